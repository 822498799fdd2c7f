import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/base/index.ts';
import { type EvaluationSummary, evaluatePolicy } from '../../src/evaluate/index.ts';
import { readLedger } from '../../src/evaluate/ledger/index.ts';
import { HoldPolicy } from '../../src/evaluate/rollouts/baselines.ts';
import { CHALLENGE_ROBOT } from '../../src/robot/index.ts';
import { RunFolder } from '../../src/train/folder.ts';
import { train } from '../../src/train/index.ts';
import { findResumePoint } from '../../src/train/resumePoint.ts';
import { smallTraining, writeFakeSet } from '../support/training.ts';
import { damagesOf, type FolderDamage, filesOf, withDamage } from './folders.ts';

vi.setConfig({ testTimeout: 570_000, hookTimeout: 570_000 });

/** Every case with VALET_FUZZ_ALL=1 (at least 200); a third of them otherwise. */
const some = (damages: readonly FolderDamage[]) =>
  process.env['VALET_FUZZ_ALL'] === '1' ? damages : damages.filter((_, i) => i % 3 === 0);

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'valet-folders-'));
});
afterAll(() => rm(place, { recursive: true, force: true }));

const bytesOf = async (folder: string, files: readonly string[]) =>
  Promise.all(files.map((file) => readFile(join(folder, file), 'latin1').catch(() => undefined)));

/** The error's message when the work was refused as bad input; any other error is a finding. */
async function refused(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof InputError || (error as { kind?: string }).kind === 'input') return (error as Error).message;
    throw error;
  }
}

describe('whatever befalls one or two files of an evaluation folder', () => {
  it('loses no booked score', async () => {
    const out = join(place, 'evaluation');
    const common = { tasks: ['turning_on_radio'], instances: [0, 1, 2, 3], maxSteps: 4, record: false, silent: true };
    await evaluatePolicy({ ...common, policy: new HoldPolicy(CHALLENGE_ROBOT), out });
    const lines = await readLedger(out);
    const official = (await filesOf(out)).filter((file) => file.startsWith('json/'));
    const texts = await bytesOf(out, official);
    const copy = join(place, 'damaged evaluation');
    const damages = await damagesOf(out);
    expect(damages.length).toBeGreaterThan(60);
    const found: string[] = [];
    for (const damage of some(damages))
      await withDamage(out, copy, damage, async () => {
        let summary: EvaluationSummary | undefined;
        const policy = () => {
          throw new Error('a booked episode is played again');
        };
        const why = await refused(
          evaluatePolicy({ ...common, policy, out: copy, resume: true }).then((result) => {
            summary = result;
          }),
        );
        const kept = JSON.stringify(await readLedger(copy)) === JSON.stringify(lines);
        const same = JSON.stringify(await bytesOf(copy, official)) === JSON.stringify(texts);
        if (!kept) found.push(`${damage.what}: lines are lost`);
        if (why === undefined && (summary?.missing || summary?.episodes !== 4 || !same))
          found.push(`${damage.what}: gone on with, but not whole`);
        if (why !== undefined && !damage.files.includes('run.json')) found.push(`${damage.what}: refused (${why})`);
      });
    expect(found).toEqual([]);
  });
});

describe('whatever befalls one or two files of a training folder', () => {
  it('loses no whole checkpoint, and a run goes on from the newest one or is refused', async () => {
    const data = join(place, 'data');
    await writeFakeSet(data, [{ seed: 1 }, { seed: 2 }]);
    const config = await smallTraining({
      steps: 4,
      checkpointEvery: 2,
      keepCheckpoints: 5,
    });
    const out = join(place, 'training');
    await train({ config, data: [data], out, threads: 1, seed: 1 });
    const files = (await filesOf(out)).filter((file) => file.startsWith('checkpoints/'));
    const texts = new Map(files.map((file, i) => [file, i]));
    const before = await bytesOf(out, files);
    const copy = join(place, 'damaged training');
    /** As `valet train --resume` does, up to its first update. */
    const goOn = async () => {
      const folder = new RunFolder(copy);
      const record = await folder.record();
      if (!record) throw new InputError(copy, 'holds no run to go on with.');
      const point = await findResumePoint(folder, record, () => {});
      await folder.begin(record);
      await folder.rewind(point?.point.step ?? 0);
      return point?.point.step ?? 0;
    };
    const untouched = (damage: FolderDamage, step: string) =>
      damage.files.every((file) => !file.startsWith(`checkpoints/${step}/`));
    const damages = await damagesOf(out);
    expect(damages.length).toBeGreaterThan(140);
    const found: string[] = [];
    for (const damage of some(damages))
      await withDamage(out, copy, damage, async () => {
        let step: number | undefined;
        const damaged = await bytesOf(copy, files);
        const why = await refused(
          goOn().then((reached) => {
            step = reached;
          }),
        );
        const now = await bytesOf(copy, files);
        for (const file of files)
          if (now[texts.get(file) ?? -1] !== damaged[texts.get(file) ?? -1])
            found.push(`${damage.what}: changed ${file}`);
        const newest = untouched(damage, '000004') ? 4 : untouched(damage, '000002') ? 2 : 0;
        if (why === undefined && (step ?? 0) < newest) found.push(`${damage.what}: goes on from ${step}`);
        if (why !== undefined && newest > 0 && !damage.files.includes('run.json'))
          found.push(`${damage.what}: refused although ${newest} is whole (${why})`);
      });
    expect(found).toEqual([]);
    expect(before).toHaveLength(files.length);
  });
});
