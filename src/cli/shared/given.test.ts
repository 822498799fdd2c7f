import { Command } from 'commander';
import { expect, it } from 'vitest';
import { refuseIdle, requireGiven } from './given.ts';
import { describeOption } from './help.ts';
import { nameList } from './names.ts';

const parsed = (...words: string[]): Command =>
  new Command('try')
    .option('--steps <n>', 'how many', '3')
    .option('--no-squeeze', 'as it is')
    .option('--rules <names>', 'which')
    .option('--no-rules', 'none')
    .option('--out <dir>', 'where')
    .parse(words, { from: 'user' });

it('an option that would do nothing is refused when it was given, and only then', () => {
  const names = ['steps', 'squeeze'];
  expect(() => refuseIdle(parsed(), names, 'here')).not.toThrow();
  expect(() => refuseIdle(parsed('--out', 'x'), names, 'here')).not.toThrow();
  // The default, said aloud, is a wish too.
  expect(() => refuseIdle(parsed('--steps', '3'), names, 'here')).toThrow('--steps: has no effect here.');
  expect(() => refuseIdle(parsed('--no-squeeze'), names, 'here')).toThrow('--no-squeeze: has no effect here.');
  expect(() => refuseIdle(parsed('--rules', 'a'), ['rules'], 'here')).toThrow('--rules: has no effect here.');
  expect(() => refuseIdle(parsed('--no-rules'), ['rules'], 'here')).toThrow('--no-rules: has no effect here.');
});

it('options that are needed are named together', () => {
  expect(() => requireGiven(parsed('--out', 'x'), ['out'])).not.toThrow();
  expect(() => requireGiven(parsed(), ['out'])).toThrow('valet try: needs --out <dir>. See valet try --help.');
});

it('a list names each thing once', () => {
  const colour = nameList((name) => {
    if (name !== 'red' && name !== 'blue') throw new Error(`no colour ${name}`);
  });
  expect(colour(' red, blue,')).toEqual(['red', 'blue']);
  expect(() => colour('red,blue,red')).toThrow(/red stands there twice/);
  expect(() => colour('red,green')).toThrow('no colour green');
  expect(() => colour(' , ')).toThrow(/expected names/);
});

it('defaults read as a user would write them', () => {
  const command = new Command('try')
    .option('--port <port>', 'ports', Number, 8000)
    .option('--seed <text>', 'seed', '0')
    .option('--set <key=value...>', 'settings', [])
    .option('--quiet', 'no words', false)
    .option('--no-rules', 'free');
  expect(command.options.map(describeOption)).toEqual([
    'ports (default: 8000)',
    'seed (default: 0)',
    'settings',
    'no words',
    'free',
  ]);
});
