import { InputError, nearest } from '../base/index.ts';
import { RECOVERY_RULE_NAMES } from './recovery.ts';
import { CORRECTION_RULE_NAMES } from './rules.ts';

/** Every rule that there is, by name. */
export const RULE_NAMES: readonly string[] = [...CORRECTION_RULE_NAMES, ...RECOVERY_RULE_NAMES];

/** What `parseRules` takes, for a command's help. */
export const RULES_HELP = `original (default), all, none, names, or +NAME,-NAME (${RULE_NAMES.join(', ')})`;

/** true: the original's rules. false: none. A list: exactly these. Otherwise the original's with some on and some off. */
export type RulesOption =
  | boolean
  | readonly string[]
  | { readonly enable?: readonly string[]; readonly disable?: readonly string[] };

/** The names of the rules that are on, in their order. @throws InputError that suggests the nearest name */
export function selectRules(option: RulesOption): readonly string[] {
  if (option === true) return CORRECTION_RULE_NAMES;
  if (option === false) return [];
  const listed = isList(option);
  const on = new Set<string>((listed ? option : [...CORRECTION_RULE_NAMES, ...(option.enable ?? [])]).map(known));
  if (!listed) for (const name of option.disable ?? []) on.delete(known(name));
  return RULE_NAMES.filter((name) => on.has(name));
}

const isList = (option: RulesOption): option is readonly string[] => Array.isArray(option);

function known(name: string): string {
  if (RULE_NAMES.includes(name)) return name;
  const guess = nearest(name, RULE_NAMES);
  throw new InputError(
    'rules',
    `there is no rule ${JSON.stringify(name)} (expected ${RULE_NAMES.join(', ')}).${guess ? ` Did you mean ${guess}?` : ''}`,
  );
}

/**
 * Rules as written on a command line: `original`, `all`, `none`, a list of names, or changes to the original's: `+missed-grasp,-empty-gripper`.
 * @throws InputError for what is no rule
 */
export function parseRules(text: string): RulesOption {
  const words = text.split(',').map((word) => word.trim());
  if (words.length === 1 && words[0] === 'original') return true;
  if (words.length === 1 && words[0] === 'none') return false;
  if (words.length === 1 && words[0] === 'all') return RULE_NAMES;
  const signed = words.filter((word) => /^[+-]/.test(word));
  if (signed.length > 0 && signed.length < words.length)
    throw new InputError('rules', `either a list of names or only +NAME and -NAME (got ${JSON.stringify(text)}).`);
  const option: RulesOption =
    signed.length === 0
      ? words
      : {
          enable: words.filter((word) => word.startsWith('+')).map((word) => word.slice(1)),
          disable: words.filter((word) => word.startsWith('-')).map((word) => word.slice(1)),
        };
  selectRules(option);
  return option;
}
