import { expect, it } from 'vitest';
import { parseLora } from './loraOption.ts';

it('reads rank, alpha and targets', () => {
  expect(parseLora('rank=8')).toEqual({ rank: 8 });
  expect(parseLora('targets=q_proj+v_proj,alpha=32,rank=16')).toEqual({
    ...{ rank: 16, alpha: 32, targets: ['q_proj', 'v_proj'] },
  });
});

it.each([
  ['rank=0', /rank must be a whole number above 0 \(got 0\)/],
  ['rank=8,alpha=none', /alpha must be a number above 0 \(got none\)/],
  ['target=attn', /there is no 'target'. Did you mean 'targets'\?/],
  ['targets=attn', /needs rank/],
  ['rank=8,rank=9', /given twice/],
  ['rank', /'rank' is not of the form rank=VALUE/],
])('refuses %s', (text, message) => {
  expect(() => parseLora(text)).toThrow(message);
});
