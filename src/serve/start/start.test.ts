import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArithmeticPlanner } from '../../../test/support/serve.ts';
import { InputError } from '../../base/index.ts';
import { readKeyFile, readTlsFiles } from './credentials.ts';
import { parsePorts } from './ports.ts';
import { startRunning } from './runningServer.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-start-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('what a server is started with', () => {
  it('ports: one, a range, a free one', () => {
    expect(parsePorts('8000')).toEqual([8000]);
    expect(parsePorts('0')).toEqual([0]);
    expect(parsePorts('8000-8003')).toEqual([8000, 8001, 8002, 8003]);
    for (const none of ['', 'http', '-1', '70000', '9000-8000', '0-3', '8000-9000'])
      expect(() => parsePorts(none), none).toThrow(InputError);
  });

  it('a key of one line, and both halves of a certificate', async () => {
    const path = join(folder, 'key');
    await writeFile(path, 'a-long-secret\n');
    expect(await readKeyFile(path)).toBe('a-long-secret');
    for (const text of ['', 'two\nlines']) {
      await writeFile(path, text);
      await expect(readKeyFile(path)).rejects.toThrow(/holds no API key/);
    }
    await expect(readKeyFile(join(folder, 'none'))).rejects.toThrow(/the API key cannot be read \(ENOENT\)/);
    expect(await readTlsFiles(undefined, undefined)).toBeUndefined();
    await expect(readTlsFiles(path, undefined)).rejects.toThrow(/both --tls-cert and --tls-key/);
    await expect(readTlsFiles(path, join(folder, 'none'))).rejects.toThrow(/cannot be read/);
  });

  it('everything that was opened is closed, in reverse, also when the server cannot start', async () => {
    const closed: string[] = [];
    const source = async () => ({
      options: { plannerFor: () => new ArithmeticPlanner() },
      close: async () => void closed.push('source'),
    });
    const running = await startRunning({}, source);
    await running.server.ready;
    await expect(startRunning({ port: running.server.port }, source)).rejects.toThrow(/the port is taken/);
    // A port that is taken is found before anything is loaded.
    expect(closed).toEqual([]);
    await running.close();
    await running.close();
    expect(closed).toEqual(['source']);
    const opened: string[] = [];
    const never = async () => {
      opened.push('source');
      return source();
    };
    const failing = async () => Promise.reject(new InputError('source', 'cannot be opened.'));
    await expect(startRunning({ record: join(folder, 'records') }, failing)).rejects.toThrow(/cannot be opened/);
    // What other machines would reach is refused before anything is loaded.
    await expect(startRunning({ host: '0.0.0.0' }, never)).rejects.toThrow(/no API key is set/);
    expect(opened).toEqual([]);
  });
});
