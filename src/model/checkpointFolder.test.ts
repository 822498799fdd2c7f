import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../base/index.ts';
import { checkpointFolder } from './checkpointFolder.ts';
import { openTree } from './formats/index.ts';

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'valet-folder-'));
});
afterAll(() => rmSync(place, { recursive: true }));

const file = (...path: string[]) => {
  const at = join(place, ...path);
  mkdirSync(join(at, '..'), { recursive: true });
  writeFileSync(at, '{}');
};

describe('a checkpoint is named by', () => {
  it('the name of a shipped policy, wherever one is taken', async () => {
    expect(checkpointFolder('household')).toBe(join(packageRoot(), 'policies', 'household'));
    expect((await openTree('household')).container).toBe('Valet');
    expect(checkpointFolder('no-such-policy')).toBe('no-such-policy');
  });

  it('a training folder, as its newest checkpoint, which is said', () => {
    for (const step of ['000500', '001000']) file('run', 'checkpoints', step, 'config.json');
    symlinkSync('000500', join(place, 'run', 'checkpoints', 'latest'));
    const said: string[] = [];
    const found = checkpointFolder(join(place, 'run'), (line) => said.push(line));
    expect(found).toBe(join(place, 'run/checkpoints/latest'));
    expect(said).toEqual([`${join(place, 'run')} stands for its newest checkpoint, checkpoints/000500`]);
    expect(checkpointFolder(join(place, 'run/checkpoints'))).toBe(found);
    rmSync(join(place, 'run/checkpoints/latest'));
    expect(checkpointFolder(join(place, 'run'))).toBe(join(place, 'run/checkpoints/001000'));
    // a step that is named is that step
    expect(checkpointFolder(join(place, 'run/checkpoints/000500'))).toBe(join(place, 'run/checkpoints/000500'));
  });

  it('a file that names the folder beside it, as `latest` does where there are no links', () => {
    file('copied', 'checkpoints', '000040', 'config.json');
    file('copied', 'checkpoints', '000050', 'config.json');
    const latest = join(place, 'copied/checkpoints/latest');
    writeFileSync(latest, '000040\n');
    const named = join(place, 'copied/checkpoints/000040');
    const said: string[] = [];
    expect(checkpointFolder(latest, (line) => said.push(line))).toBe(named);
    expect(said).toEqual([`${latest} stands for its newest checkpoint, 000040`]);
    expect(checkpointFolder(join(place, 'copied'))).toBe(named);
    for (const text of ['000041', '../000040', '', 'x'.repeat(300)]) {
      writeFileSync(latest, text);
      expect(checkpointFolder(latest), text).toBe(latest);
      expect(checkpointFolder(join(place, 'copied')), text).toBe(join(place, 'copied/checkpoints/000050'));
    }
  });

  it('a training folder of LeRobot, whose weights lie one folder deeper', () => {
    for (const step of ['005000', '010000'])
      file('lerobot', 'checkpoints', step, 'pretrained_model', 'model.safetensors');
    file('lerobot', 'checkpoints', '010000', 'training_state', 'rng_state.safetensors');
    const last = join(place, 'lerobot/checkpoints/010000');
    expect(checkpointFolder(join(place, 'lerobot'))).toBe(join(last, 'pretrained_model'));
    expect(checkpointFolder(last)).toBe(join(last, 'pretrained_model'));
  });

  it('its own folder, also where a run went on from inside it; a run without any stays what it is', () => {
    file('whole', 'config.json');
    file('whole', 'checkpoints', '1', 'config.json');
    expect(checkpointFolder(join(place, 'whole'))).toBe(join(place, 'whole'));
    mkdirSync(join(place, 'empty/checkpoints'), { recursive: true });
    expect(checkpointFolder(join(place, 'empty'))).toBe(join(place, 'empty'));
  });
});
