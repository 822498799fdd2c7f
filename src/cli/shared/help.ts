import type { Command, Option } from 'commander';

/** Defaults as a user would write them: no brackets, no quotes, nothing for a switch that is off. */
export function describeOption(option: Option): string {
  const { defaultValue: value, defaultValueDescription: words, argChoices } = option;
  const notes: string[] = [];
  if (argChoices) notes.push(`one of ${argChoices.join(', ')}`);
  const shown = words ?? written(value);
  if (shown !== undefined && !option.negate) notes.push(`default: ${shown}`);
  return notes.length > 0 ? `${option.description} (${notes.join('; ')})` : option.description;
}

function written(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'boolean') return undefined;
  if (Array.isArray(value)) return value.length > 0 ? value.join(',') : undefined;
  return String(value);
}

/** The same on a command and all below it. */
export function plainHelp(command: Command): Command {
  command.configureHelp({ optionDescription: describeOption });
  for (const child of command.commands) plainHelp(child);
  return command;
}
