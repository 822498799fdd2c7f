import { existsSync } from 'node:fs';
import { copyFile, cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, type Random } from '../../src/base/index.ts';
import { openTree, readLeaf } from '../../src/model/index.ts';
import type { Parameters } from '../../src/tensor/index.ts';

/** What reading a damaged checkpoint came to. */
export type Verdict =
  /** An InputError. */
  | 'refused'
  /** Every array is what it was. */
  | 'unharmed'
  /** Other numbers, names or shapes, where no checksum covers the damage. */
  | 'changed'
  /** Other numbers, though a checksum covers the damage. */
  | 'WRONG'
  /** Any other error. */
  | 'CRASHED';

export interface Damage {
  readonly what: string;
  readonly verdict: Verdict;
  readonly detail: string;
}

/**
 * Damages one file of a checkpoint at random (flipped bytes or bits, a cut, another file's bytes, a missing or longer
 * file), reads every array, and puts the file back. `folder` must be a copy that nobody else uses.
 */
export async function damageOnce(
  folder: string,
  original: string,
  expected: Parameters,
  random: Random,
): Promise<Damage> {
  const files = (await readdir(original, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(original.length + 1))
    .sort();
  const name = files[random.integer(files.length)]!;
  const path = join(folder, name);
  const bytes = await readFile(join(original, name));
  const { what, at, damaged } = await damage(bytes, files, original, random);
  if (damaged) await writeFile(path, damaged);
  else await rm(path);
  try {
    const verdict = await judge(folder, expected);
    const covered = verdict.verdict === 'changed' && damaged && isCovered(name, bytes, damaged, at);
    return { what: `${name}: ${what}`, verdict: covered ? 'WRONG' : verdict.verdict, detail: verdict.detail };
  } finally {
    await copyFile(join(original, name), path);
  }
}

interface Change {
  readonly what: string;
  /** The byte that was changed; -1 for more than single bytes. */
  readonly at: number;
  /** Undefined when the file goes. */
  readonly damaged?: Uint8Array;
}

async function damage(bytes: Buffer, files: readonly string[], original: string, random: Random): Promise<Change> {
  const damaged = Buffer.from(bytes);
  const kind = random.integer(8);
  if (kind === 0) {
    const length = random.integer(bytes.length + 1);
    return { what: `cut to ${length} of ${bytes.length} bytes`, at: -1, damaged: damaged.subarray(0, length) };
  }
  if (kind === 1) {
    const other = files[random.integer(files.length)]!;
    return { what: `replaced by ${other}`, at: -1, damaged: await readFile(join(original, other)) };
  }
  if (kind === 2) {
    if (random.integer(4) === 0) return { what: 'removed', at: -1 };
    return {
      what: 'made longer',
      at: -1,
      damaged: Buffer.concat([damaged, Buffer.alloc(1 + random.integer(64), random.integer(256))]),
    };
  }
  if (kind === 3 && bytes.length > 8) {
    const start = random.integer(bytes.length - 4);
    const length = 1 + random.integer(Math.min(64, bytes.length - start));
    for (let i = 0; i < length; i++) damaged[start + i] = random.integer(256);
    return { what: `${length} random bytes at ${start}`, at: -1, damaged };
  }
  if (bytes.length === 0) return { what: 'nothing', at: -1, damaged };
  const at = random.integer(bytes.length);
  damaged[at]! ^= kind === 4 ? 1 + random.integer(255) : 1 << random.integer(8);
  return { what: `byte ${at} is ${damaged[at]} (was ${bytes[at]})`, at, damaged };
}

const MAGICS = [0x0cdb3a2a, 0x0cdb20de];

/** Whether the damage lies in a block with a CRC-32C: a manifest, or a node in a data file. */
function isCovered(name: string, bytes: Buffer, damaged: Uint8Array, at: number): boolean {
  if (Buffer.compare(bytes, damaged) === 0) return false;
  if (/manifest\.ocdbt$/.test(name)) return true;
  if (at < 0) return false;
  for (let start = 0; start + 18 <= bytes.length; start++) {
    if (!MAGICS.includes(bytes.readUInt32BE(start))) continue;
    const length = Number(bytes.readBigUInt64LE(start + 4));
    if (length >= 18 && start + length <= bytes.length && at >= start && at < start + length) return true;
  }
  return false;
}

async function judge(folder: string, expected: Parameters): Promise<{ verdict: Verdict; detail: string }> {
  try {
    const tree = await openTree(folder);
    if ([...tree.leaves.keys()].sort().join() !== [...expected.keys()].sort().join())
      return { verdict: 'changed', detail: 'other names' };
    for (const [name, leaf] of tree.leaves) {
      const got = await readLeaf(leaf);
      const wanted = expected.get(name)!;
      const raw = (data: typeof got.data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      if (
        String(got.shape) !== String(wanted.shape) ||
        got.dtype !== wanted.dtype ||
        Buffer.compare(raw(got.data), raw(wanted.data)) !== 0
      )
        return { verdict: 'changed', detail: name };
    }
    return { verdict: 'unharmed', detail: '' };
  } catch (error) {
    const { message, stack } = error as Error;
    return error instanceof InputError
      ? { verdict: 'refused', detail: message }
      : { verdict: 'CRASHED', detail: String(stack) };
  }
}

/** Damages copies `count` times and counts the verdicts; `each` sees every one. */
export async function fuzz(
  original: string,
  copy: string,
  count: number,
  random: Random,
  each: (damage: Damage) => void = () => {},
): Promise<Record<Verdict, number>> {
  if (existsSync(copy)) throw new InputError(copy, 'exists already.');
  await cp(original, copy, { recursive: true });
  const tree = await openTree(original);
  const expected: Parameters = new Map();
  for (const [name, leaf] of tree.leaves) expected.set(name, await readLeaf(leaf));
  const verdicts: Record<Verdict, number> = { refused: 0, unharmed: 0, changed: 0, WRONG: 0, CRASHED: 0 };
  for (let i = 0; i < count; i++) {
    const damage = await damageOnce(copy, original, expected, random);
    verdicts[damage.verdict]++;
    each(damage);
  }
  await rm(copy, { recursive: true });
  return verdicts;
}
