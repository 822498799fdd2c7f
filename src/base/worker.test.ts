import { describe, expect, it } from 'vitest';
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
});
