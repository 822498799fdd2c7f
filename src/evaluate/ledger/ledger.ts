import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, writeFileAside } from '../../base/index.ts';
import { mergeLines, readLines } from './ledgerFile.ts';
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

/** The book, and the same lines once more: what befalls one of them loses nothing. */
export const LEDGER_FILES = ['ledger.jsonl', 'ledger.copy.jsonl'] as const;

/**
 * An evaluation's book, `ledger.jsonl`, with a copy beside it: one line an attempt, on disk in both before the next
 * begins.
 */
export class Ledger {
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly files: readonly FileHandle[],
    readonly lines: LedgerLine[],
    /** What was mended when it was opened: for the user. */
    readonly notices: readonly string[],
  ) {}

  /**
   * Opens the folder's ledger to go on with it. A last line that a crash tore is cut off; what one of the two files
   * lacks is taken from the other.
   * @throws InputError when lines of both are of another form
   */
  static async open(folder: string): Promise<Ledger> {
    await makeFolder(folder);
    const found = await Promise.all(LEDGER_FILES.map((name) => readLines(join(folder, name))));
    const texts = mergeLines(found, isLine);
    const whole = texts.map((text) => `${text}\n`).join('');
    const notices: string[] = [];
    for (const file of found) {
      if (file.exists && file.text === whole) continue;
      const lacking = texts.filter((text) => !file.lines.includes(text)).length;
      if (file.exists && lacking > 0)
        notices.push(`${file.path} lacked ${lacking} of ${texts.length} lines; they were taken from its copy.`);
      await writeFileAside(file.path, whole);
    }
    const files = await Promise.all(found.map(({ path }) => open(path, 'a')));
    return new Ledger(files, texts.map(parsedLine), notices);
  }

  /** Appends a line and waits until it is on disk. */
  append(line: LedgerLine): Promise<void> {
    const write = this.turn.then(async () => {
      for (const file of this.files) {
        await file.appendFile(`${JSON.stringify(line)}\n`);
        await file.sync();
      }
      this.lines.push(line);
    });
    this.turn = write.catch(() => {});
    return write;
  }

  async close(): Promise<void> {
    await this.turn;
    await Promise.all(this.files.map((file) => file.close()));
  }
}

/** The lines of a folder's ledger, none when there is no such file. Nothing is written. */
export async function readLedger(folder: string): Promise<LedgerLine[]> {
  const found = await Promise.all(LEDGER_FILES.map((name) => readLines(join(folder, name))));
  return mergeLines(found, isLine).map(parsedLine);
}

const isLine = (text: string): boolean => {
  try {
    return LedgerLineSchema.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
};

const parsedLine = (text: string): LedgerLine => LedgerLineSchema.parse(JSON.parse(text));

/** The one line that counts for each unit: the done one, or the last invalid one. */
export function settled(lines: readonly LedgerLine[]): LedgerLine[] {
  const byUnit = new Map<string, LedgerLine>();
  for (const line of lines) if (byUnit.get(unitName(line))?.state !== 'done') byUnit.set(unitName(line), line);
  return [...byUnit.values()];
}

/** The lines that count for a score: one for each unit that was played to an end. */
export const counted = (lines: readonly LedgerLine[]): LedgerLine[] =>
  settled(lines).filter(({ state }) => state === 'done');

/** Names of the units that count. */
export const unitsOfLedger = (lines: readonly LedgerLine[]): ReadonlySet<string> =>
  new Set(counted(lines).map((line) => unitName(line)));

/** Units without a counted line, with the number of attempts already made. */
export function openUnits(units: readonly Unit[], lines: readonly LedgerLine[]): { unit: Unit; attempts: number }[] {
  const past = new Map<string, number>();
  const done = new Set<string>();
  for (const line of lines) {
    const name = unitName(line);
    past.set(name, (past.get(name) ?? 0) + 1);
    if (line.state === 'done') done.add(name);
  }
  return units
    .filter((unit) => !done.has(unitName(unit)))
    .map((unit) => ({ unit, attempts: past.get(unitName(unit)) ?? 0 }));
}
