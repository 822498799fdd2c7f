import { describe, expect, it } from 'vitest';
import { configs, parameterTree } from '../model/index.ts';
import { checkTrainConfig } from './config.ts';
import { loadTrainConfig } from './configFile.ts';
import { frozenLeaves } from './freeze.ts';
import { applySettings } from './settings.ts';

const model = configs.dummy;
const names = parameterTree(model).map(({ name }) => name);

describe('frozen parts', () => {
  it('are the original’s: vision tower, language model without the expert, expert', () => {
    const below = (prefix: string) => names.filter((name) => name.startsWith(prefix));
    expect(frozenLeaves(model, { freeze: ['visionTower'] })).toEqual(below('PaliGemma/img/'));
    const llm = below('PaliGemma/llm/');
    const expert = llm.filter((name) => /_1(\/|$)/.test(name));
    expect(frozenLeaves(model, { freeze: ['actionExpert'] }).sort()).toEqual(expert);
    expect(frozenLeaves(model, { freeze: ['vlm'] }).sort()).toEqual(llm.filter((name) => !expert.includes(name)));
    expect(frozenLeaves(model, { freeze: [] })).toEqual([]);
  });

  it('are leaves and patterns of their names too', () => {
    expect(frozenLeaves(model, { freeze: ['fast_token_*'] })).toEqual(frozenLeaves(model, { freeze: ['fast'] }));
    expect(frozenLeaves(model, { freeze: ['gate_task/bias'] })).toEqual(['gate_task/bias']);
  });

  it('must name something, and leave something to train', () => {
    expect(() => frozenLeaves(model, { freeze: ['visionTowr'] })).toThrow("Did you mean 'visionTower'?");
    expect(() => frozenLeaves({ ...model, useKvTransform: false }, { freeze: ['kvTransform'] })).toThrow(
      /no part kvTransform/,
    );
    expect(() => frozenLeaves(model, { freeze: ['*'] })).toThrow(/nothing would be left/);
  });
});

describe('switches', () => {
  it.each([
    ['useCorrelatedNoise', false],
    ['correlationBeta', 0.7],
    ['useKvTransform', false],
    ['useKnowledgeInsulation', true],
    ['useFastAuxiliary', true],
    ['fastLossWeight', 0.2],
    ['fastVocabSize', 512],
    ['maxFastTokens', 60],
    ['subtaskLossWeight', 0.4],
    ['flowSamples', 4],
    ['timeThresholdInpaint', 0.5],
    ['cameras', ['head', 'left_wrist']],
  ] as const)('--set reaches model.%s, and nothing else changes', async (key, value) => {
    const before = await loadTrainConfig('nano');
    const after = checkTrainConfig(applySettings(before, [`model.${key}=${JSON.stringify(value)}`]));
    expect(before.model[key]).not.toEqual(value);
    expect(after).toEqual({ ...before, model: { ...before.model, [key]: value } });
  });

  it('--set reaches freeze', async () => {
    const nano = await loadTrainConfig('nano');
    const after = checkTrainConfig(applySettings(nano, ['freeze=["visionTower"]']));
    expect(after).toEqual({ ...nano, freeze: ['visionTower'] });
    expect(() => checkTrainConfig(applySettings(nano, ['freeze=["vison"]']))).toThrow(/fits no leaf/);
  });
});
