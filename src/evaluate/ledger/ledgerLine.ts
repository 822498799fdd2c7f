import { crc32 } from 'node:zlib';
import { z } from 'zod';

const metres = z.object({ base: z.number(), left: z.number(), right: z.number() });

const facts = z.record(z.string(), z.union([z.number(), z.string()]));
const perturbation = z.object({
  axis: z.string(),
  level: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  proposed: facts,
  struck: z.number().nullable(),
  executed: facts,
});

/** One line: what became of one attempt at a unit. `invalid` ones are never counted. */
const LedgerLineSchema = z.object({
  task: z.string(),
  instance: z.number().int(),
  rollout: z.number().int(),
  state: z.enum(['done', 'invalid']),
  attempt: z.number().int(),
  worker: z.number().int(),
  /** The machine, where several play. */
  host: z.string().optional(),
  started: z.string(),
  seconds: z.number(),
  q: z.number(),
  success: z.boolean(),
  steps: z.number().int(),
  maxSteps: z.number().int(),
  distance: metres,
  goal: z.array(z.object({ text: z.string(), initial: z.boolean(), value: z.boolean() })),
  plans: z.number().int(),
  queries: z.number().int().optional(),
  perturbations: z.array(perturbation).readonly().optional(),
  reason: z.string().optional(),
});
export type LedgerLine = z.infer<typeof LedgerLineSchema>;

/** What ends a line: the CRC-32 of everything before it, eight hexadecimal digits. */
const CHECKSUM = /,"crc32":"([0-9a-f]{8})"\}$/;

const checksum = (text: string): string => crc32(text).toString(16).padStart(8, '0');

/** A line of the file, without its end: JSON whose last key is a checksum of the rest. */
export function lineText(line: LedgerLine): string {
  const text = JSON.stringify(line).slice(0, -1);
  return `${text},"crc32":"${checksum(text)}"}`;
}

/** A line that was read, as it stands in the file. */
export interface ReadLine {
  readonly text: string;
  readonly line: LedgerLine;
  /** A checksum says that it is as it was written; older ledgers have none. */
  readonly checked: boolean;
}

/** Nothing for a text that is no ledger line, or one whose checksum is not that of its content. */
export function readLine(text: string): ReadLine | undefined {
  const sum = CHECKSUM.exec(text);
  if (sum && checksum(text.slice(0, sum.index)) !== sum[1]) return undefined;
  try {
    const { data } = LedgerLineSchema.safeParse(JSON.parse(text));
    return data && { text, line: data, checked: sum !== null };
  } catch {
    return undefined;
  }
}
