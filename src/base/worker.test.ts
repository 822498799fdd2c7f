import { performance } from 'node:perf_hooks';
import { describe, expect, it, vi } from 'vitest';
import { WorkerClient } from './worker.ts';

describe('WorkerClient', () => {
  it('answers calls, passes errors on, and fails pending calls when the worker dies', async () => {
    const client = WorkerClient.start('base/echo.worker');
    expect(await client.call('add', [1, 2])).toBe(3);
    const moved = await client.call<Float32Array>('double', new Float32Array([1, 2]));
    expect([...moved]).toEqual([2, 4]);
    await expect(client.call('refuse')).rejects.toMatchObject({ message: 'echo: refused.', kind: 'input' });
    await expect(client.call('nothing')).rejects.toThrow(/no method nothing/);
    await expect(client.call('die')).rejects.toThrow(/ended/);
    await expect(client.call('add', [1, 2])).rejects.toThrow(/ended/);
  });

  it('ends a worker after the native call that it is in, and fails what waits at once', async () => {
    const client = WorkerClient.start('base/echo.worker');
    await client.call('add', [1, 2]);
    const began = performance.now();
    const blocked = client.call('block', 400);
    const queued = client.call('add', [3, 4]);
    let closed = false;
    const closedBefore = Promise.allSettled([blocked, queued]).then(() => closed);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await client.close().then(() => {
      closed = true;
    });
    expect(performance.now() - began).toBeGreaterThan(395);
    expect(await closedBefore, 'before the worker has ended').toBe(false);
    await client.gone;
  });

  it('waits for the workers of a worker', async () => {
    const client = WorkerClient.start('base/echo.worker');
    await client.call('nested', 1500);
    const began = performance.now();
    await client.close();
    // The inner worker starts, and its call is over or was never begun: either way it was not cut.
    await client.gone;
    expect(performance.now() - began).toBeGreaterThan(5);
  });

  it('gives up a call that nobody waits for, and answers the next', async () => {
    const client = WorkerClient.start('base/echo.worker');
    const stop = new AbortController();
    const forever = client.call('forever', undefined, { signal: stop.signal });
    setTimeout(() => stop.abort(), 30);
    await expect(forever).rejects.toThrow(/given up/);
    expect(await client.call('add', [1, 2])).toBe(3);
    // One that was given up before it began is not begun.
    await expect(client.call('forever', undefined, { signal: stop.signal })).rejects.toThrow(/given up/);
    await client.close();
  });

  it('side by side, gives up the call that nobody waits for, and no other', async () => {
    const client = WorkerClient.start('base/sideBySide.worker');
    const [first, second] = [new AbortController(), new AbortController()];
    const calls = [first, second].map(({ signal }) => client.call('wait', undefined, { signal }));
    expect(await client.call('waiting'), 'answered while both wait').toBe(2);
    first.abort();
    await expect(calls[0]).rejects.toThrow(/given up/);
    expect(await client.call('waiting')).toBe(1);
    second.abort();
    await expect(calls[1]).rejects.toThrow(/given up/);
    await client.close();
  });

  it('starts from its source where nothing is built', async () => {
    vi.stubEnv('VALET_WORKERS', undefined);
    const client = WorkerClient.start('base/echo.worker');
    vi.unstubAllEnvs();
    expect(await client.call('add', [1, 2])).toBe(3);
    await client.close();
  });

  it('can be closed while it starts', async () => {
    for (let i = 0; i < 5; i++) {
      const client = WorkerClient.start('base/echo.worker');
      const call = client.call('add', [1, 2]);
      const refused = expect(call).rejects.toThrow(/closed/);
      await client.close();
      await refused;
    }
  });
});
