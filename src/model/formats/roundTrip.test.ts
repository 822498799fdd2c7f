import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flatStatistics, smallParts } from '../../../test/support/model.ts';
import { CHALLENGE_ROBOT } from '../../robot/index.ts';
import { writeSafetensors } from '../../tensor/index.ts';
import { readCheckpoint, writeCheckpoint } from '../checkpoint.ts';
import { configs, initParameters, type ModelConfigInput, modelConfig } from '../network/index.ts';
import { exportCheckpoint } from './exportCheckpoint.ts';
import { importCheckpoint } from './importCheckpoint.ts';

const small = {
  ...smallParts,
  maxStages: 4,
  taskNumStages: [2, 4, 3],
};
/** Networks of Valet's own (with parts that the original lacks), and of the original's. */
const NETWORKS: Record<string, { config: ModelConfigInput; isOriginals: boolean }> = {
  'a convolution, a continuous state, auxiliary heads': {
    config: { ...configs.nano, ...small, patchSize: 4, stateTokens: { kind: 'continuous' } },
    isOriginals: false,
  },
  'the original in small': { config: { ...configs.dummy, ...small }, isOriginals: true },
  'no KV mixing, no FAST head': {
    config: { ...configs.dummy, ...small, useKvTransform: false, useFastAuxiliary: false },
    isOriginals: true,
  },
  'a short chunk, two cameras': {
    config: { ...configs.dummy, ...small, actionHorizon: 8, cameras: ['head', 'left_wrist'], actionDim: 24 },
    isOriginals: true,
  },
};

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'valet-round-'));
});
afterAll(() => rmSync(place, { recursive: true }));

describe.each(Object.entries(NETWORKS))('an export of %s', (name, { config: input, isOriginals }) => {
  const at = (file: string) => join(place, `${name.replaceAll(' ', '-')}-${file}`);
  const config = modelConfig(input);
  beforeAll(async () => {
    const { actionDim, actionHorizon } = config;
    await writeCheckpoint(at('own'), {
      config,
      parameters: initParameters(config, 3),
      normStats: flatStatistics(actionHorizon, actionDim, CHALLENGE_ROBOT.width),
      card: {},
      policy: { assetId: 'mine', samplingSteps: 7 },
    });
    await mkdir(join(at('own'), 'assets/other'), { recursive: true });
    await writeFile(join(at('own'), 'assets/other/norm_stats.json'), '{}');
  });

  it.each([
    ['openpi', 'openpi'],
    ['safetensors', 'folder'],
    ['safetensors', 'one.safetensors'],
  ] as const)('as %s (%s) comes back as it was', async (format, out) => {
    await exportCheckpoint(at('own'), at(out), { format, partial: true });
    const normStats = join(at('own'), 'assets/mine/norm_stats.json');
    await importCheckpoint(at(out), at(`${out}-back`), out === 'one.safetensors' ? { normStats } : {});
    const [was, back] = await Promise.all([readCheckpoint(at('own')), readCheckpoint(at(`${out}-back`))]);
    expect([back.config, back.policy, back.robot]).toEqual([was.config, was.policy, was.robot]);
    expect(back.normStats).toEqual(was.normStats);
    const [a, b] = ['own', `${out}-back`].map((folder) => readFileSync(join(at(folder), 'params.safetensors')));
    expect(a?.equals(b as Buffer)).toBe(true);
  });

  it('for openpi is refused where its loader would refuse the network', async () => {
    const making = exportCheckpoint(at('own'), at('asked'), { format: 'openpi' });
    const parts = /has no place for \d+ of its \d+ leaves \(first .*--partial/;
    const sizes = /openpi has no network of its sizes: vision has width, .* \(expected 1152, .*--partial/;
    await expect(making).rejects.toThrow(isOriginals ? sizes : parts);
    expect(existsSync(at('asked'))).toBe(false);
  });
});

it('low-rank additions are refused by name, in and out', async () => {
  const config = modelConfig({ ...configs.dummy, ...small });
  const tree = initParameters(config, 1);
  tree.set('PaliGemma/llm/layers/attn/q_einsum/lora_a', { shape: [1], dtype: 'float32', data: new Float32Array(1) });
  const file = join(place, 'lora.safetensors');
  await writeSafetensors(file, tree);
  const named = /holds 1 low-rank additions \(LoRA\), first .*q_einsum\/lora_a/;
  await expect(importCheckpoint(file, join(place, 'no'), { stages: [2, 4, 3] })).rejects.toThrow(named);
  await expect(exportCheckpoint(file, join(place, 'no'), { format: 'openpi' })).rejects.toThrow(named);
});
