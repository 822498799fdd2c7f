import { expect, it } from 'vitest';
import { loadTrainConfig } from './configFile.ts';
import type { RunRecord } from './folder.ts';
import { requireSameRun } from './sameRun.ts';

const record = (config: object) => ({ config, seed: 1, dataFingerprint: 'a', init: null }) as unknown as RunRecord;

it('a run of before a setting was there goes on with what it was then, and with nothing else', () => {
  const was = record({ batch: 4, validation: { share: 0.1 } });
  const now = (taskWeights: object, by: string, stream = 'always') =>
    record({ batch: 4, validation: { share: 0.1, by }, taskWeights, stream });
  expect(() => requireSameRun('run', was, now({}, 'episode'))).not.toThrow();
  expect(() => requireSameRun('run', was, now({ fold: 2 }, 'episode'))).toThrow(/another config\.taskWeights\.fold/);
  expect(() => requireSameRun('run', was, now({}, 'instance'))).toThrow(/another config\.validation\.by/);
  const later = now({ fold: 2 }, 'episode', 'never');
  expect(() => requireSameRun('run', later, now({ fold: 2 }, 'episode'))).not.toThrow();
  expect(() => requireSameRun('run', later, now({}, 'episode'))).toThrow(/another config\.taskWeights/);
});

it('a run whose pictures were jittered alone goes on, and is not augmented from then on', async () => {
  const config = await loadTrainConfig('nano');
  const { brightness, contrast, noise } = config.pictures;
  const was = record({ ...config, pictures: { brightness, contrast, noise } });
  expect(() => requireSameRun('run', was, record(config))).not.toThrow();
  for (const [key, value] of Object.entries({ colour: 'hsv', crop: 0.95, rotate: 5, hue: 0.1, colourShare: 0.5 })) {
    const now = record({ ...config, pictures: { ...config.pictures, [key]: value } });
    expect(() => requireSameRun('run', was, now)).toThrow(`another config.pictures.${key}`);
  }
});
