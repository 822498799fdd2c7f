import { InputError, nearest, present } from '../base/index.ts';

type Tree = { [key: string]: unknown };

/**
 * A copy of `config` with `a.b=value` settings applied; values are JSON where they parse as JSON, else text.
 * Only keys that the configuration has can be set. @throws InputError naming the nearest key
 */
export function applySettings<T extends object>(config: T, settings: readonly string[]): T {
  const copy = structuredClone(config) as Tree;
  for (const setting of settings) {
    const equals = setting.indexOf('=');
    if (equals < 1)
      throw new InputError(`--set ${setting}`, 'has no value (expected key=value, such as schedule.peak=0.001).');
    const path = setting.slice(0, equals).split('.');
    let node = copy;
    path.forEach((key, depth) => {
      if (!(key in node)) {
        const guess = nearest(key, Object.keys(node));
        const full = guess && [...path.slice(0, depth), guess].join('.');
        const known = Object.keys(node).join(', ');
        throw new InputError(
          `--set ${setting}`,
          `there is no setting '${path.slice(0, depth + 1).join('.')}'. ` +
            `${full ? `Did you mean '${full}'?` : `Known here: ${known}.`}`,
        );
      }
      if (depth === path.length - 1) return;
      const next = node[key];
      if (typeof next !== 'object' || next === null || Array.isArray(next))
        throw new InputError(
          `--set ${setting}`,
          `'${path.slice(0, depth + 1).join('.')}' is a value and has nothing below it.`,
        );
      node = next as Tree;
    });
    node[present(path.at(-1), 'path.at(-1)')] = value(setting.slice(equals + 1));
  }
  return copy as T;
}

function value(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
