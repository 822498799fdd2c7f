import { expect, it } from 'vitest';
import { ValetError } from '../../base/index.ts';
import type { WorkerSettings } from './rollout.worker.ts';
import { type RolloutThread, threadRunners } from './workerRunner.ts';

const settings: WorkerSettings = { policy: { kind: 'hold' }, imageSize: 16, seeds: ['0'], maxSteps: 3 };
const unit = { task: 'turning_on_radio', instance: 0, rollout: 0 };

/** Threads of which the first `mortal` die over the first episode that they are given. */
function threads(mortal: number) {
  const log: string[] = [];
  let started = 0;
  const start = (): RolloutThread => {
    const number = ++started;
    let isDead = false;
    return {
      get isDead() {
        return isDead;
      },
      async call<T>(method: string, argument?: { environment: number }): Promise<T> {
        const { environment = 0 } = argument ?? {};
        log.push(`${method} ${number}${environment > 0 ? ` in ${environment}` : ''}`);
        if (method === 'open') return ['a notice'] as T;
        if (method === 'run' && number <= mortal) {
          isDead = true;
          throw new ValetError('rollout.worker', 'the worker ended (exit code 137).');
        }
        return { q: number, seconds: 7 } as T;
      },
      async close() {
        isDead = true;
        log.push(`end ${number}`);
      },
    };
  };
  return { log, start };
}

it('another thread plays the unit of one that died', async () => {
  const { log, start } = threads(2);
  const runner = await threadRunners(settings, start)();
  expect(await runner.run(unit)).toMatchObject({ q: 3 });
  expect(await runner.run(unit)).toMatchObject({ q: 3 });
  await runner.close();
  expect(log).toEqual(['open 1', 'run 1', 'open 2', 'run 2', 'open 3', 'run 3', 'run 3', 'close 3', 'end 3']);
});

it('gives up an episode that kills every thread', async () => {
  const { start } = threads(9);
  const runner = await threadRunners(settings, start)();
  await expect(runner.run(unit)).rejects.toThrow(/3 threads died over one episode/);
  await runner.close();
});

it('environments share a thread, its death, and its end', async () => {
  const { log, start } = threads(1);
  const open = threadRunners({ ...settings, environments: 2 }, start);
  const runners = await Promise.all([open(), open()]);
  await expect(open()).rejects.toThrow(/has 2 environments/);
  expect(await Promise.all(runners.map((runner) => runner.run(unit)))).toMatchObject([{ q: 2 }, { q: 2 }]);
  // Measured alone in the thread; with company an episode lasts twice as long.
  expect(await runners[1]!.pace?.(unit)).toMatchObject({ seconds: 14 });
  await runners[0]!.close();
  await runners[0]!.close();
  expect(log.at(-1)).not.toBe('end 2');
  await runners[1]!.close();
  expect(log.filter((line) => /open|close|end/.test(line))).toEqual(['open 1', 'open 2', 'close 2', 'end 2']);
});
