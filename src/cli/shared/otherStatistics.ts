import type { Command } from 'commander';

/** What is said of a checkpoint that went through by it. */
export const OTHER_STATISTICS = 'its statistics are not those that the network was trained with, as you allowed.';

/** Adds `--other-statistics`, the same in every command that opens a checkpoint with its statistics. */
export function addStatisticsOption(command: Command): Command {
  return command.option(
    '--other-statistics',
    'take a checkpoint also with statistics that it was not trained with',
    false,
  );
}
