import { InvalidArgumentError } from 'commander';

/**
 * A parser of an option that is a list of names, separated by commas: each once, at least one.
 * @param check throws for a name that is none
 */
export function nameList(check: (name: string) => unknown = () => {}): (text: string) => string[] {
  return (text) => {
    const names = text
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean);
    if (names.length === 0) throw new InvalidArgumentError('expected names, separated by commas.');
    for (const [i, name] of names.entries()) {
      if (names.indexOf(name) < i) throw new InvalidArgumentError(`${name} stands there twice. Name each once.`);
      check(name);
    }
    return names;
  };
}
