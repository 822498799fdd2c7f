import { InputError, nearest, present } from '../base/index.ts';
import { renamedModelKey } from '../model/index.ts';

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
        const wrong = path.slice(0, depth + 1);
        throw new InputError(`--set ${setting}`, `there is no setting '${wrong.join('.')}'. ${hint(config, wrong)}`);
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

/** What to write in the place of a path whose last key is not there. */
function hint(config: object, wrong: readonly string[]): string {
  const above = wrong.slice(0, -1);
  const key = wrong.at(-1) ?? '';
  const node = above.reduce((tree: Tree, name) => tree[name] as Tree, config as Tree);
  const at = (name: string, where = above) => [...where, name].join('.');
  // The model's keys are known with and without `model.` before them.
  const model = 'model' in config ? (config.model as Tree) : {};
  const now = node === model || node === config ? renamedModelKey(key, Object.keys(model)) : undefined;
  if (key === 'noiseCorrelation') return "It is now 'model.correlationBeta'.";
  if (now !== undefined) return `It is now '${at(now, ['model'])}'.`;
  if (node === config && key in model) return `Did you mean '${at(key, ['model'])}'?`;
  const guess = nearest(key, Object.keys(node));
  return guess ? `Did you mean '${at(guess)}'?` : `Known here: ${Object.keys(node).join(', ')}.`;
}

function value(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
