import { describe, expect, it } from 'vitest';
import { type Fact, type Formula, groundGoal } from './formula.ts';
import { fulfilled, qScore } from './q.ts';

const words = (formula: Formula) => {
  const { literals, options } = groundGoal(formula, () => false);
  return options.map((option) => option.map((i) => literals[i]?.text));
};
const facts = new Set<string>();
const holds = (fact: Fact) => facts.has(fact.join(' '));

describe('a goal as data', () => {
  it('is one option of all parts for and, forall', () => {
    expect(
      words([
        'and',
        [
          ['forall', '?x', ['a', 'b'], ['inside', '?x', 'bin']],
          ['not', ['open', 'door']],
        ],
      ]),
    ).toEqual([['inside(a, bin)', 'inside(b, bin)', 'not open(door)']]);
  });

  it('is one option a choice for or, exists, forn: with the wanted literals alone', () => {
    expect(
      words([
        'or',
        [
          ['open', 'a'],
          ['cooked', 'b'],
        ],
      ]),
    ).toEqual([['open(a)'], ['cooked(b)']]);
    expect(words(['exists', '?x', ['a', 'b'], ['toggled_on', '?x']])).toEqual([['toggled_on(a)'], ['toggled_on(b)']]);
    expect(words(['forn', 2, '?x', ['a', 'b', 'c'], ['ontop', '?x', 'table']])).toEqual([
      ['ontop(a, table)', 'ontop(b, table)'],
      ['ontop(a, table)', 'ontop(c, table)'],
      ['ontop(b, table)', 'ontop(c, table)'],
    ]);
  });

  it('turns opposites inside out', () => {
    expect(
      words([
        'not',
        [
          'and',
          [
            ['open', 'a'],
            ['not', ['open', 'b']],
          ],
        ],
      ]),
    ).toEqual([['not open(a)'], ['open(b)']]);
    expect(words(['not', ['forall', '?x', ['a', 'b'], ['open', '?x']]])).toEqual([['not open(a)'], ['not open(b)']]);
    expect(words(['not', ['exists', '?x', ['a', 'b'], ['open', '?x']]])).toEqual([['not open(a)', 'not open(b)']]);
    // not two of three: two of them are not
    expect(words(['not', ['forn', 2, '?x', ['a', 'b', 'c'], ['open', '?x']]])).toHaveLength(3);
  });

  it('drops what contradicts itself, says a thing once, and puts the shortest option first', () => {
    const open: Formula = ['open', 'a'];
    expect(
      words([
        'and',
        [
          open,
          [
            'or',
            [
              ['not', open],
              ['open', 'b'],
            ],
          ],
        ],
      ]),
    ).toEqual([['open(a)', 'open(b)']]);
    expect(words(['and', [open, open]])).toEqual([['open(a)']]);
    expect(
      words([
        'or',
        [
          ['and', [open, ['open', 'b']]],
          ['open', 'c'],
        ],
      ]),
    ).toEqual([['open(c)'], ['open(a)', 'open(b)']]);
  });

  it('binds variables of quantifiers within quantifiers', () => {
    const pairs: Formula = ['forall', '?x', ['a', 'b'], ['exists', '?y', ['s', 't'], ['nextto', '?x', '?y']]];
    expect(words(pairs)).toHaveLength(4);
    expect(words(pairs)[1]).toEqual(['nextto(a, s)', 'nextto(b, t)']);
  });

  it('gives q the credit of the best option', () => {
    const goal = groundGoal(
      [
        'and',
        [
          ['forn', 2, '?x', ['a', 'b', 'c'], ['touching', '?x', 'rack']],
          ['not', ['open', 'door']],
        ],
      ],
      holds,
    );
    const now = () => goal.literals.map((literal) => literal.holds());
    facts.clear();
    const initial = now(); // the door is closed already: no credit for that
    expect(qScore(goal.options, initial, now())).toBe(0);
    facts.add('touching c rack');
    expect(qScore(goal.options, initial, now())).toBeCloseTo(1 / 3, 12);
    facts.add('touching a rack');
    expect(fulfilled(goal.options, now())).toBe(true);
    facts.add('open door');
    expect(qScore(goal.options, initial, now())).toBeCloseTo(2 / 3, 12);
  });
});
