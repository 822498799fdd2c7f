import { batchBuffers } from './batch.ts';
import { batchesOf } from './loop.ts';
import type { RankCommand } from './ranks/index.ts';
import type { Run } from './run.ts';

/**
 * The updates of a rank other than the first: what rank 0 does is done here at the same time. It writes nothing and
 * decides nothing.
 */
export async function follow(run: Run): Promise<void> {
  const { client, config, start } = run;
  const makeBatch = batchesOf(run);
  let step = start;
  let next = step < config.steps ? await makeBatch(step) : undefined;
  for (;;) {
    const command = await client.call<RankCommand>('next');
    if (command.method === 'end') return;
    if (command.method === 'whole') {
      await client.call('whole', command.kind);
      continue;
    }
    const { batch } = next ?? (await makeBatch(step));
    const running = client.call('step', { ...command, batch }, { transfer: batchBuffers(batch) });
    running.catch(() => undefined); // awaited below; making the next batch may throw first
    step++;
    next = step < config.steps ? await makeBatch(step) : undefined;
    await running;
  }
}
