/**
 * The whole numbers that a text names, each once, in its order: numbers and ranges such as `0-4` or `1,7`.
 * @returns undefined for anything else, for a number of more than `digits` digits and for a range of more than `most`
 */
export function numberRanges(text: string, { digits, most }: { digits: number; most: number }): number[] | undefined {
  const form = new RegExp(`^\\s*(\\d{1,${digits}})(?:\\s*-\\s*(\\d{1,${digits}}))?\\s*$`);
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    const match = form.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first || last - first >= most) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return [...numbers];
}

/** Ascending whole numbers as a text that `numberRanges` reads: `301-304, 307`. */
export function rangesText(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(', ');
}
