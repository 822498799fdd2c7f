import type { Robot } from '../../robot/index.ts';

/** `leftArm` as a person writes it. */
export const words = (name: string): string =>
  name
    .replaceAll('_', ' ')
    .replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .trim();

/** A column of the action by its part and its number there, from 1. */
export function columnWords({ parts }: Robot, column: number): string {
  const part = parts.find(({ columns: [first, end] }) => column >= first && column < end);
  if (!part) return `column ${column}`;
  const [first, end] = part.columns;
  return end - first === 1 ? words(part.name) : `${words(part.name)} ${column - first + 1}`;
}
