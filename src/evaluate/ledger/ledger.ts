import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeFileAside } from '../../base/index.ts';
import { type LedgerLine, lineText } from './ledgerLine.ts';
import { readLines } from './linesFile.ts';
import { mergeLines } from './mergeLines.ts';
import { type Unit, unitName } from './unit.ts';

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
   * @throws InputError when a line is lost or wrong in both
   */
  static async open(folder: string): Promise<Ledger> {
    await makeFolder(folder);
    const { files: found, lines } = await readBoth(folder);
    const whole = lines.map(({ text }) => `${text}\n`).join('');
    const notices: string[] = [];
    for (const file of found) {
      if (file.exists && file.text === whole) continue;
      const held = new Set(file.lines);
      const lacking = lines.filter(({ text }) => !held.has(text)).length;
      if (file.exists && lacking > 0)
        notices.push(`${file.path} lacked ${lacking} of ${lines.length} lines; they were taken from its copy.`);
      await writeFileAside(file.path, whole);
    }
    const files = await Promise.all(found.map(({ path }) => open(path, 'a')));
    const parsed = lines.map(({ line }) => line);
    return new Ledger(files, parsed, notices);
  }

  /** Appends a line and waits until it is on disk. */
  append(line: LedgerLine): Promise<void> {
    const text = `${lineText(line)}\n`;
    const write = this.turn.then(async () => {
      for (const file of this.files) {
        await file.appendFile(text);
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
  return (await readBoth(folder)).lines.map(({ line }) => line);
}

async function readBoth(folder: string) {
  const [book, copy] = LEDGER_FILES;
  const files = [await readLines(join(folder, book)), await readLines(join(folder, copy))] as const;
  return { files, lines: mergeLines(...files) };
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
