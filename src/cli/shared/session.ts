import { type Command, InvalidArgumentError } from 'commander';
import type { SessionOptions } from '../../control/index.ts';
import { taskByName } from '../../robot/index.ts';
import { nameList } from './names.ts';
import { positive, whole } from './numbers.ts';

/** What `addSessionOptions` adds. */
export interface SessionOptionValues {
  readonly executeActions?: number;
  readonly executeSteps?: number;
  readonly keepActions?: number;
  readonly historyLength?: number;
  readonly votes?: number;
  readonly task?: number;
  readonly defaultTask?: number;
  readonly mask?: string[];
  readonly fillBlack?: number;
  readonly frozenAfter?: number;
}

/** Their names. */
export const SESSION_OPTIONS = [
  'executeActions',
  'executeSteps',
  'keepActions',
  'historyLength',
  'votes',
  'task',
  'defaultTask',
  'mask',
  'fillBlack',
  'frozenAfter',
] as const satisfies readonly (keyof SessionOptionValues)[];

/** How plans are executed, stages voted and observations seen, alike in every command with a session. */
export function addSessionOptions(command: Command): Command {
  return command
    .option('--execute-actions <n>', "rows of a plan that are executed (the checkpoint's, else 26)", positive)
    .option('--execute-steps <n>', "control steps in which they are (the checkpoint's, else 20)", positive)
    .option('--keep-actions <n>', "rows after them that the next plan keeps to (the checkpoint's, else 4)", whole)
    .option('--history-length <n>', "stage votes that are remembered (the checkpoint's, else 3)", positive)
    .option('--votes <n>', "of them, what the next stage needs (the checkpoint's, else 2)", positive)
    .option('--task <task>', 'number or name: every observation is of this task, whatever it says', task)
    .option('--default-task <task>', 'number or name: the task of observations that name none', task)
    .option('--mask <parts>', 'parts whose measured state is taken to be 0, such as base-velocity', nameList())
    .option('--frozen-after <n>', 'same pictures in a row, of a robot that moves, that are told (30); 0: none', whole)
    .option('--fill-black <n>', 'black pictures in a row that the last good one replaces (30); 0: none', whole);
}

/** The same for a session; what was not said is left out. */
export function sessionOptions(options: SessionOptionValues): Partial<SessionOptions> {
  return Object.fromEntries(
    SESSION_OPTIONS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
}

function task(text: string): number {
  if (/^\d+$/.test(text)) return whole(text);
  try {
    return taskByName(text).id;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
