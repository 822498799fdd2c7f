import { describe, expect, it } from 'vitest';
import { modelConfig, tokensPerSide } from './config.ts';
import { configNamed, configs } from './presets.ts';

describe('model configuration', () => {
  it('names the nearest preset', () => {
    expect(() => configNamed('nanno')).toThrow('Did you mean "nano"?');
    expect(configNamed('full').layers).toBe(18);
  });

  it('says which field is wrong', () => {
    expect(() => modelConfig({ ...configs.nano, layers: 0 })).toThrow(/layers/);
    expect(() => modelConfig({ ...configs.nano, colour: 'red' })).toThrow(/colour/);
    expect(() => modelConfig({ ...configs.full, imageSize: 225 })).toThrow('imageSize must be a multiple of patchSize');
    expect(() => modelConfig({ ...configs.nano, numHeads: 3, numKvHeads: 2 })).toThrow('multiple of numKvHeads');
  });

  it('counts image tokens', () => {
    expect(tokensPerSide(configs.full) ** 2).toBe(256);
    expect(tokensPerSide(configs.nano) ** 2).toBe(16);
  });
});
