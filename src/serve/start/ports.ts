import { InputError } from '../../base/index.ts';

/** The most ports of a range. */
const MOST_PORTS = 256;

/** A port, or a range such as `8000-8063`; 0 stands for a free one. @throws InputError for anything else */
export function parsePorts(text: string): number[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!match || last < first || last > 65535 || last - first >= MOST_PORTS || (first === 0 && last > 0))
    throw new InputError(
      'port',
      `"${text}" is none (expected a port, or a range of up to ${MOST_PORTS} such as 8000-8063).`,
    );
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
