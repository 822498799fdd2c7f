/** A table for a terminal: columns as wide as their widest cell, rules below the header and above a row of totals. */
export function alignedTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  last?: readonly string[],
): string {
  const table = [header, ...rows, ...(last ? [last] : [])];
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd();
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width + 3, -3));
  return [line(header), rule, ...rows.map(line), ...(last ? [rule, line(last)] : [])].join('\n');
}
