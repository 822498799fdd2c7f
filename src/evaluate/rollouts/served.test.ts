import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { codeVersion } from '../../base/index.ts';
import { checkpointFolder, checkpointProvenance } from '../../model/index.ts';
import { CHALLENGE_ROBOT, type Policy } from '../../robot/index.ts';
import { createLogger, serveCheckpoint, startServer } from '../../serve/index.ts';
import { readLedger } from '../ledger/ledger.ts';
import { HoldPolicy } from './baselines.ts';
import { evaluate } from './evaluate.ts';

const root = await temporaryFolder();
const folder = checkpointFolder('household');
const common = { tasks: ['turning_on_radio'], instances: [0, 1], maxSteps: 50, silent: true, record: false } as const;

/** What happened, step by step, as far as it adds up: metres to the last bit. */
async function episodes(out: string) {
  const lines = (await readLedger(out)).map(({ instance, rollout, q, steps, distance, plans }) => ({
    ...{ instance, rollout, q, steps, distance, plans },
  }));
  return lines.sort((a, b) => a.rollout - b.rollout || a.instance - b.instance);
}
const runOf = async (out: string) => JSON.parse(await readFile(join(out, 'run.json'), 'utf8'));
const seedOf = async (out: string) => (await runOf(out)).fingerprint.seed;

describe('a policy behind a server', { timeout: 240_000 }, () => {
  const serve = async (checkpoint: string, port = 0) => {
    const running = await serveCheckpoint({ checkpoint, port, sessionOptions: { seed: 'of the server' } });
    await running.server.ready;
    return running;
  };
  let running: Awaited<ReturnType<typeof serve>>;
  beforeAll(async () => {
    running = await serve(folder);
  });
  afterAll(() => running.close());

  it('gives the episodes that it gives in process with the same seed, and others with another', async () => {
    const out = (name: string) => join(root, name);
    const remote = { kind: 'remote', url: running.server.urls[0]! } as const;
    await evaluate({ ...common, policy: { kind: 'checkpoint', folder }, seed: '3', out: out('inside') });
    await evaluate({ ...common, policy: remote, seed: '3', workers: 2, out: out('served') });
    await evaluate({ ...common, policy: remote, seeds: ['4', '3'], out: out('both') });
    const inside = await episodes(out('inside'));
    expect(await episodes(out('served'))).toEqual(inside);
    const both = await episodes(out('both'));
    expect(both.slice(2)).toEqual(inside.map((line) => ({ ...line, rollout: 1 })));
    expect(both.slice(0, 2).map(({ distance }) => distance)).not.toEqual(inside.map(({ distance }) => distance));
    expect([await seedOf(out('served')), await seedOf(out('both'))]).toEqual(['3', '4,3']);
    const [mine, served] = [await runOf(out('inside')), await runOf(out('served'))];
    expect(mine).toMatchObject({ code: codeVersion(), checkpoints: [await checkpointProvenance(folder)] });
    expect(served).toMatchObject({ code: codeVersion(), server: codeVersion(), checkpoints: mine.checkpoints });
  });

  it('is not mixed with another checkpoint behind the same address', async () => {
    const url = running.server.urls[0]!;
    const other = join(root, 'other');
    await cp(folder, other, { recursive: true });
    const config = join(other, 'config.json');
    const text = JSON.parse(await readFile(config, 'utf8'));
    await writeFile(config, JSON.stringify({ ...text, policy: { ...text.policy, samplingSteps: 3 } }));
    await running.close();
    running = await serve(other, Number(new URL(url).port));
    const again = { ...common, policy: { kind: 'remote', url } as const, seed: '3', resume: true };
    await expect(evaluate({ ...again, out: join(root, 'served') })).rejects.toThrow(/begun with another policy/);
  });
});

it('a server that takes no seed is told of, and no seed is recorded', { timeout: 120_000 }, async () => {
  const server = await startServer({
    policyFor: async (): Promise<Policy> => new HoldPolicy(CHALLENGE_ROBOT),
    port: 0,
    logger: createLogger('silent'),
  });
  await server.ready;
  const url = server.urls[0]!;
  const notices: string[] = [];
  const out = join(root, 'unseeded');
  await evaluate({ ...common, policy: { kind: 'remote', url }, out, onNotice: (notice) => void notices.push(notice) });
  await server.close();
  expect(notices).toEqual([expect.stringMatching(/takes no seed: --seed has no effect/)]);
  expect(await seedOf(out)).toBeNull();
});
