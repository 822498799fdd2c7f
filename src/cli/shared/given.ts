import type { Command } from 'commander';
import { InputError } from '../../base/index.ts';

/**
 * Refuses options that were given and would do nothing: whoever gives one believes that it does.
 * @param names attributes of the options, such as `samplingSteps`
 * @param why completes "has no effect", such as `with --policy expert`
 * @throws InputError that names the first one
 */
export function refuseIdle(command: Command, names: readonly string[], why: string): void {
  const idle = command.options.find((option) => names.includes(option.attributeName()) && wasGiven(command, option));
  if (idle) throw new InputError(`${idle.long}`, `has no effect ${why}. Leave it out.`);
}

type Option = Command['options'][number];

/** Of `--x` and `--no-x`, which share one attribute, the one whose value it has. */
function wasGiven(command: Command, option: Option): boolean {
  const name = option.attributeName();
  if (command.getOptionValueSource(name) !== 'cli') return false;
  return option.negate === (command.getOptionValue(name) === false);
}

/** @throws InputError that names the options of the list that were not given */
export function requireGiven(command: Command, names: readonly string[]): void {
  const missing = command.options.filter(
    (option) => names.includes(option.attributeName()) && command.getOptionValue(option.attributeName()) === undefined,
  );
  if (missing.length > 0)
    throw new InputError(
      `valet ${command.name()}`,
      `needs ${missing.map(({ flags }) => flags).join(' and ')}. See valet ${command.name()} --help.`,
    );
}
