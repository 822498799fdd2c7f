import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { aside } from '../../base/index.ts';
import { type LedgerLine, unitName } from '../ledger/index.ts';
import { embeddedJson } from './html.ts';
import { type PageRollout, readRollout, rolloutAddress } from './rollouts.ts';

/** The script of a recording that does not fit into the page, in the rollout's folder. */
const SCRIPT = 'replay.js';
/** What it is made of, in the rollout's folder. */
const SOURCES = ['scene.json', 'steps.jsonl', 'track.bin'] as const;
/** Form of the script. Raise it with every change of `PageRollout`: older scripts are then made again. */
const FORM = 2;
/** The script's first line is shorter than that, or it is not looked at. */
const HEAD_BYTES = 1 << 14;

const HeadSchema = z.object({
  /** Changes with the recording, with what the ledger says of it, and with the script's form. */
  key: z.string(),
  rate: z.number(),
  rules: z.array(z.tuple([z.number(), z.string(), z.string()])),
  method: z.object({
    planMs: z.array(z.number()),
    parts: z.object({ plans: z.number(), prepare: z.number(), prefix: z.number(), denoise: z.number() }),
    stages: z.object({ plans: z.number(), raw: z.number(), voted: z.number() }),
  }),
});

/** What the page's list needs of a recording that lies beside it. */
export interface Beside extends Pick<PageRollout, 'rate' | 'rules' | 'method'> {
  readonly poster: string;
  /** Address of the script, relative to the page. */
  readonly script: string;
}

/**
 * Makes the script of a recording, unless it is there and nothing has changed since. It can be made again at any time,
 * so it is not synced to the disk. @throws when the recording is not there, or damaged
 */
export async function scriptBeside(folder: string, line: LedgerLine): Promise<Beside> {
  const unit = unitName(line);
  const at = join(folder, 'rollouts', unit);
  const path = join(at, SCRIPT);
  const key = keyOf(at, line);
  const known = headOf(path);
  const addresses = { poster: `${rolloutAddress(unit)}/poster.jpg`, script: `${rolloutAddress(unit)}/${SCRIPT}` };
  if (known?.key === key) {
    const { key: _, ...rest } = known;
    return { ...addresses, ...rest };
  }
  const { rollout } = await readRollout(folder, line, false);
  const { rate, rules, method } = rollout;
  const temporary = aside(path);
  try {
    writeFileSync(
      temporary,
      `//${embeddedJson({ key, rate, rules, method })}\nvaletRollout(${embeddedJson(rollout)});\n`,
    );
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return { ...addresses, rate, rules, method };
}

function keyOf(at: string, line: LedgerLine): string {
  const { task, instance, rollout, q, success, steps, goal } = line;
  const sources = SOURCES.map((name) => {
    const { size, mtimeMs } = statSync(join(at, name));
    return [size, mtimeMs];
  });
  const text = JSON.stringify([FORM, task, instance, rollout, q, success, steps, goal, sources]);
  return createHash('sha256').update(text).digest('hex');
}

/** The first line of a script; undefined when there is none, or none of this kind. */
function headOf(path: string): z.infer<typeof HeadSchema> | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const buffer = Buffer.alloc(HEAD_BYTES);
    const text = buffer.toString('utf8', 2, readSync(file, buffer, 0, HEAD_BYTES, 0));
    return HeadSchema.parse(JSON.parse(text.slice(0, text.indexOf('\n'))));
  } catch {
    return undefined; // not there, or of another form: made again
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
