import type { Goal, Literal } from './q.ts';

/** What a goal may say of things by name. A word that begins with `?` is a variable of an enclosing quantifier. */
export type Fact =
  | readonly ['inside' | 'ontop' | 'nextto' | 'touching', string, string]
  | readonly ['toggled_on' | 'open' | 'cooked', string];

/**
 * A goal as data, as the challenge's goals are written. `forn` asks for n of the names; the others may be as they like.
 */
export type Formula =
  | Fact
  | readonly ['not', Formula]
  | readonly ['and' | 'or', readonly Formula[]]
  | readonly ['forall' | 'exists', `?${string}`, readonly string[], Formula]
  | readonly ['forn', number, `?${string}`, readonly string[], Formula];

/** A fact that is wanted, or wanted not. */
interface Wanted {
  readonly fact: Fact;
  readonly positive: boolean;
}
type Option = readonly Wanted[];

/** How a fact is looked up in the world. */
export type FactOf = (fact: Fact) => boolean;

/**
 * The goal's ground literals and options (docs/facts.md#scores): `and` and `forall` are every combination of their
 * parts' options, `or` and `exists` their union, `forn` every choice of n. An option that wants a fact and its opposite
 * is dropped; the shortest come first.
 * @param holds whether a ground fact is true now
 */
export function groundGoal(formula: Formula, holds: FactOf): Goal {
  const literals: Literal[] = [];
  const numbers = new Map<string, number>();
  const number = ({ fact, positive }: Wanted): number => {
    const text = factText(fact);
    const name = positive ? text : `not ${text}`;
    const known = numbers.get(name);
    if (known !== undefined) return known;
    numbers.set(name, literals.length);
    literals.push({ text: name, holds: () => holds(fact) === positive });
    return literals.length - 1;
  };
  const options = optionsOf(formula, true, {})
    .map(withoutRepeats)
    .filter((option): option is Option => option !== undefined)
    .sort((a, b) => a.length - b.length);
  return { literals, options: options.map((option) => option.map(number)) };
}

const factText = ([predicate, ...names]: Fact): string => `${predicate}(${names.join(', ')})`;

type Bindings = Readonly<Record<string, string>>;

/** Options of a formula, or of its opposite. */
function optionsOf(formula: Formula, positive: boolean, bound: Bindings): readonly Option[] {
  switch (formula[0]) {
    case 'not':
      return optionsOf(formula[1], !positive, bound);
    case 'and':
    case 'or': {
      const [kind, parts] = formula;
      const each = parts.map((part) => optionsOf(part, positive, bound));
      return (kind === 'and') === positive ? product(each) : each.flat();
    }
    case 'forall':
    case 'exists': {
      const [kind, variable, names, body] = formula;
      const each = names.map((name) => optionsOf(body, positive, { ...bound, [variable]: name }));
      return (kind === 'forall') === positive ? product(each) : each.flat();
    }
    case 'forn': {
      const [, count, variable, names, body] = formula;
      // Not n of them: some choice of all but n - 1 that are not.
      const wanted = positive ? count : names.length - count + 1;
      return choices(names, wanted).flatMap((chosen) =>
        product(chosen.map((name) => optionsOf(body, positive, { ...bound, [variable]: name }))),
      );
    }
    default: {
      const [predicate, ...names] = formula;
      const fact = [predicate, ...names.map((name) => bound[name] ?? name)] as unknown as Fact;
      return [[{ fact, positive }]];
    }
  }
}

const product = (parts: readonly (readonly Option[])[]): readonly Option[] =>
  parts.reduce<readonly Option[]>((all, options) => all.flatMap((a) => options.map((b) => [...a, ...b])), [[]]);

/** Every choice of `count` of the names, in their order. */
function choices(names: readonly string[], count: number): readonly (readonly string[])[] {
  if (count <= 0) return [[]];
  return names.flatMap((name, i) => choices(names.slice(i + 1), count - 1).map((rest) => [name, ...rest]));
}

/** The option with each literal once; undefined when it contradicts itself. */
function withoutRepeats(option: Option): Option | undefined {
  const seen = new Map<string, boolean>();
  const kept: Wanted[] = [];
  for (const wanted of option) {
    const text = factText(wanted.fact);
    const before = seen.get(text);
    if (before === undefined) kept.push(wanted);
    else if (before !== wanted.positive) return undefined;
    seen.set(text, wanted.positive);
  }
  return kept;
}
