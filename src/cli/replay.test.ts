import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { SessionRecorder } from '../serve/index.ts';
import { command } from './replay.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-cli-replay-'));
  const recorder = await SessionRecorder.open(folder);
  recorder.onOpen('a');
  recorder.onClose('a');
  recorder.onOpen('b', { replay: 'a' });
  recorder.onClose('b');
  await recorder.close();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('replays of replays are passed over, and a server that is not there is told in time', async () => {
  let said = '';
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
  const words = [folder, '--against', 'ws://127.0.0.1:1', '--wait', '0.7'];
  await expect(command().exitOverride().parseAsync(words, { from: 'user' })).rejects.toThrow(
    /no server answers there .* --wait 120/,
  );
  expect(said).toMatch(
    /^1 recordings are of replays and are passed over; --session ID sends one\.\nwaiting: no server/,
  );
  said = '';
  await expect(
    command()
      .exitOverride()
      .parseAsync([...words, '--session', 'b'], { from: 'user' }),
  ).rejects.toThrow(/no server answers/);
  expect(said).not.toMatch(/passed over/);
  stderr.mockRestore();
});
