import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { makeFolder, parse } from '../../base/index.ts';
import { type Unit, unitName } from './unit.ts';

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
  started: z.string(),
  seconds: z.number(),
  q: z.number(),
  success: z.boolean(),
  steps: z.number().int(),
  maxSteps: z.number().int(),
  distance: metres,
  goal: z.array(z.object({ text: z.string(), initial: z.boolean(), value: z.boolean() })),
  plans: z.number().int(),
  perturbations: z.array(perturbation).readonly().optional(),
  reason: z.string().optional(),
});
export type LedgerLine = z.infer<typeof LedgerLineSchema>;

/** Attempts at a unit before an invalid one is given up and reported. */
export const MAX_ATTEMPTS = 2;

/** An evaluation's book, `ledger.jsonl`: one line an attempt, on disk before the next begins. */
export class Ledger {
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly file: FileHandle,
    readonly lines: LedgerLine[],
  ) {}

  /**
   * Opens the folder's ledger to go on with it. A last line that a crash tore is cut off.
   * @throws InputError for lines of another form
   */
  static async open(folder: string): Promise<Ledger> {
    const path = join(folder, 'ledger.jsonl');
    await makeFolder(dirname(path));
    const { lines, bytes } = await readLines(path);
    if (existsSync(path)) await truncate(path, bytes);
    return new Ledger(await open(path, 'a'), lines);
  }

  /** Appends a line and waits until it is on disk. */
  append(line: LedgerLine): Promise<void> {
    const write = this.turn.then(async () => {
      await this.file.appendFile(`${JSON.stringify(line)}\n`);
      await this.file.sync();
      this.lines.push(line);
    });
    this.turn = write.catch(() => {});
    return write;
  }

  async close(): Promise<void> {
    await this.turn;
    await this.file.close();
  }
}

/** The lines of a folder's ledger, none when there is no such file. */
export async function readLedger(folder: string): Promise<LedgerLine[]> {
  return (await readLines(join(folder, 'ledger.jsonl'))).lines;
}

/** The one line that counts for each unit: the done one, or the last invalid one. */
export function settled(lines: readonly LedgerLine[]): LedgerLine[] {
  const byUnit = new Map<string, LedgerLine>();
  for (const line of lines) if (byUnit.get(unitName(line))?.state !== 'done') byUnit.set(unitName(line), line);
  return [...byUnit.values()];
}

/** The lines that count for a score: one for each unit that was played to an end. */
export const counted = (lines: readonly LedgerLine[]): LedgerLine[] =>
  settled(lines).filter(({ state }) => state === 'done');

/** Units without a counted line that may be tried (again), with the number of attempts already made. */
export function openUnits(units: readonly Unit[], lines: readonly LedgerLine[]): { unit: Unit; attempts: number }[] {
  return units
    .map((unit) => ({ unit, past: lines.filter((line) => unitName(line) === unitName(unit)) }))
    .filter(({ past }) => past.length < MAX_ATTEMPTS && past.every((line) => line.state !== 'done'))
    .map(({ unit, past }) => ({ unit, attempts: past.length }));
}

async function readLines(path: string): Promise<{ lines: LedgerLine[]; bytes: number }> {
  if (!existsSync(path)) return { lines: [], bytes: 0 };
  const whole = await readFile(path);
  const bytes = whole.lastIndexOf(10) + 1; // a line counts when its end is written
  const text = whole.subarray(0, bytes).toString('utf8');
  const lines = text.split('\n').slice(0, -1);
  return { lines: lines.map((line, i) => parse(`${path}:${i + 1}`, LedgerLineSchema, fromJson(line))), bytes };
}

function fromJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // the schema's error names file and line
  }
}
