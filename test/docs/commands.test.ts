import { describe, expect, it } from 'vitest';
import { commandsOf, examplesOf, isForm, wordsOf } from './commands.ts';

const texts = (markdown: string) => commandsOf('page.md', markdown).map(({ text }) => text);

describe('commandsOf', () => {
  it('takes every line of a shell block, without comments, joined where one goes on, apart at &&', () => {
    const page = '```sh\nvalet a b   # look\n# a remark\nvalet c \\\n   --d 1\nmake && npm test\n```\n';
    expect(texts(page)).toEqual(['valet a b', 'valet c --d 1', 'make', 'npm test']);
  });

  it('takes lines that begin with a program from a block without a language, none from other languages', () => {
    expect(texts('```\nvalet x\nstep 1/2\n```\n```json\nvalet y\n```\n')).toEqual(['valet x']);
  });

  it('takes blocks in lists, indented lines and code in sentences and tables', () => {
    const page = [
      '1. Do',
      '   ```sh',
      '   valet one',
      '   ```',
      '',
      '    A=1 valet two --x',
      'and `valet three a\\|b` (`demos`).',
    ];
    const found = commandsOf('p', page.join('\n'));
    expect(found.map(({ text, line, inline }) => [text, line, inline])).toEqual([
      ['valet one', 3, false],
      ['A=1 valet two --x', 6, false],
      ['valet three a|b', 7, true],
    ]);
  });
});

it('examplesOf takes the lines of a help text that begin with $', () => {
  const found = examplesOf('valet x --help', 'Usage: x\n\nExamples:\n  $ valet x a && valet y\n');
  expect(found.map(({ text }) => text)).toEqual(['valet x a', 'valet y']);
});

it('isForm tells forms from commands', () => {
  const form = (text: string, inline: boolean) => isForm({ page: '', line: 1, text, inline });
  expect(form('valet verify DIR… [--json]', false)).toBe(true);
  expect(form('valet doctor --checkpoint DIR', true)).toBe(true);
  expect(form('valet fit demos --out CHECKPOINT', false)).toBe(false);
  expect(form('valet train --set \'freeze=["vlm"]\'', false)).toBe(false);
  expect(form('valet train --print-config nano > my.json', false)).toBe(false);
  expect(form('A_B=1 valet doctor', true)).toBe(false);
  expect(form('valet home watch NAME --out NAME.png', true)).toBe(true);
});

it('wordsOf keeps quoted words whole', () => {
  expect(wordsOf(`valet x --set a=1 'b=["c d"]'`)).toEqual(['valet', 'x', '--set', 'a=1', 'b=[c d]']);
});
