import { InputError, nearest } from '../base/index.ts';
import { RECOVERY_RULES, type RecoveryRule } from './recovery.ts';
import { CORRECTION_RULES, type CorrectionRule, ORIGINAL_RULES } from './rules.ts';

const namesOf = (rules: readonly { readonly name: string }[]) => rules.map(({ name }) => name);

/** Every rule that comes with Valet, by name. */
export const RULE_NAMES: readonly string[] = [...namesOf(CORRECTION_RULES), ...namesOf(RECOVERY_RULES)];

/** What `parseRules` takes, for a command's help. */
export const RULES_HELP = `original (default), all, none, names, or +NAME,-NAME (${RULE_NAMES.join(', ')})`;

/**
 * true: the original's rules. false: none. A list: exactly these. Otherwise the original's with some on and some off.
 */
export type RulesOption =
  | boolean
  | readonly string[]
  | { readonly enable?: readonly string[]; readonly disable?: readonly string[] };

/** A rule of one's own, of either kind. */
export type Rule = CorrectionRule | RecoveryRule;

/** The rules that are on, each kind in its order. */
export interface SelectedRules {
  readonly corrections: readonly CorrectionRule[];
  readonly recoveries: readonly RecoveryRule[];
}

const isRecovery = (rule: Rule): rule is RecoveryRule => 'detect' in rule;
const isList = (option: RulesOption): option is readonly string[] => Array.isArray(option);

/**
 * The rules that `option` names, and after them those of one's own, which are always on.
 * @throws InputError that suggests the nearest name
 */
export function selectRules(option: RulesOption, extra: readonly Rule[] = []): SelectedRules {
  const on = new Set(namesOn(option));
  const chosen = <R extends Rule>(rules: readonly R[], own: readonly R[]) => [
    ...rules.filter(({ name }) => on.has(name)),
    ...own,
  ];
  const own = extra.filter((rule): rule is CorrectionRule => !isRecovery(rule));
  return {
    corrections: chosen(CORRECTION_RULES, own),
    recoveries: chosen(RECOVERY_RULES, extra.filter(isRecovery)),
  };
}

/** The names of Valet's own rules that are on, in their order. @throws InputError that suggests the nearest name */
export function namesOn(option: RulesOption): readonly string[] {
  const original = namesOf(ORIGINAL_RULES);
  if (option === true) return original;
  if (option === false) return [];
  const listed = isList(option);
  const on = new Set<string>((listed ? option : [...original, ...(option.enable ?? [])]).map(known));
  if (!listed) for (const name of option.disable ?? []) on.delete(known(name));
  return RULE_NAMES.filter((name) => on.has(name));
}

function known(name: string): string {
  if (RULE_NAMES.includes(name)) return name;
  const guess = nearest(name, RULE_NAMES);
  throw new InputError(
    'rules',
    `there is no rule ${JSON.stringify(name)} (expected ${RULE_NAMES.join(', ')}).` +
      (guess ? ` Did you mean ${guess}?` : ''),
  );
}

/**
 * Rules as written on a command line: `original`, `all`, `none`, a list of names, or changes to the original's:
 * `+missed-grasp,-empty-gripper`. @throws InputError for what is no rule
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
  namesOn(option);
  return option;
}
