import { describe, expect, it } from 'vitest';
import { ledgerLine } from '../../../test/support/evaluate.ts';
import { lineText } from './ledgerLine.ts';
import { mergeLines } from './mergeLines.ts';

const file = (path: string, text: string) => ({
  path,
  exists: text !== '',
  text,
  lines: text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1),
});
const merged = (book: string, copy: string) =>
  mergeLines(file('ledger.jsonl', book), file('ledger.copy.jsonl', copy)).map(({ line }) => line);
const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');

const lines = [0, 1, 2, 3, 4].map((instance) => ledgerLine({ instance, q: 0.25 }));
const checked = lines.map(lineText);
const older = lines.map((line) => JSON.stringify(line));
const whole = textOf(checked);
const wrong = (text: string) => text.replace('"q":0.25', '"q":0.75');

describe('a changed byte', () => {
  const [before, line, behind] = [checked[0], checked[1], checked[2]] as [string, string, string];
  const three = textOf([before, line, behind]);
  const damaged = Array.from({ length: line.length + 1 }, (_, i) => {
    const at = before.length + 1 + i;
    return three.slice(0, at) + String.fromCharCode(three.charCodeAt(at) ^ 1) + three.slice(at + 1);
  });

  it('costs nothing beside a whole copy, wherever it is', () => {
    for (const text of damaged) {
      expect(merged(text, three)).toEqual(lines.slice(0, 3));
      expect(merged(three, text)).toEqual(lines.slice(0, 3));
    }
  });

  it('without one it is refused, or changed nothing that is said', () => {
    let refused = 0;
    for (const text of damaged)
      try {
        expect(merged(text, '')).toEqual(lines.slice(0, 3));
      } catch (error) {
        expect((error as Error).message).toMatch(/^ledger\.jsonl:2: .*was changed/);
        refused++;
      }
    expect(refused).toBeGreaterThan(line.length - 10);
  });
});

it('a digit that is another one in both files is refused', () => {
  const text = textOf(checked.map((line, i) => (i === 3 ? wrong(line) : line)));
  expect(() => merged(text, text)).toThrow(/ledger\.jsonl:4: is no line of a ledger, or was changed/);
});

it('different lines that are damaged in either file are taken from the other', () => {
  const without = (at: number) => textOf(checked.map((line, i) => (i === at ? wrong(line) : line)));
  expect(merged(without(1), without(3))).toEqual(lines);
  expect(merged(without(0), without(4))).toEqual(lines);
});

it('a damaged line is refused when the other file ends before it', () => {
  const text = textOf(checked.map((line, i) => (i === 3 ? wrong(line) : line)));
  expect(() => merged(text, textOf(checked.slice(0, 2)))).toThrow(/ledger\.jsonl:4/);
  expect(() => merged(textOf(checked.slice(0, 2)), text)).toThrow(/ledger\.copy\.jsonl:4/);
  expect(merged(text, textOf(checked.slice(2)))).toEqual(lines);
});

it('what never was a line does no harm beside a whole copy', () => {
  for (const text of [`${whole}garbage\n`, `garbage\n${whole}`, whole.replace('\n', '\n\0\0\n')])
    expect(merged(text, whole)).toEqual(lines);
  expect(merged('other\n'.repeat(30), whole)).toEqual(lines);
  expect(() => merged(`garbage\n${whole}`, '')).toThrow(/ledger\.jsonl:1/);
  expect(() => merged('garbage\n', '')).toThrow(/ledger\.jsonl:1/);
});

describe('lines of older versions, without a checksum', () => {
  it('are read, and mended from the copy', () => {
    expect(merged(textOf(older), '')).toEqual(lines);
    expect(merged(textOf(older), textOf(older.slice(2)))).toEqual(lines);
    expect(merged(textOf([...older.slice(0, 2), ...checked.slice(2)]), textOf(older.slice(0, 2)))).toEqual(lines);
  });

  it('are refused when the copy says otherwise: nobody knows who is right', () => {
    const text = textOf(older.map((line, i) => (i === 2 ? wrong(line) : line)));
    expect(() => merged(text, textOf(older))).toThrow(/ledger\.jsonl:3: is not what its copy says.*neither has a/);
  });
});
