import { Command, CommanderError } from 'commander';
import { nearest, packageVersion, ValetError } from '../base/index.ts';
import { plainHelp } from './shared/help.ts';
import { tellError } from './shared/tellError.ts';

/**
 * Every command of docs/contract.md#commands: what it does and the file that holds it. A file is loaded only when its
 * command runs.
 */
const COMMANDS: Record<string, { summary: string; load?: () => Promise<{ command: () => Command }> }> = {
  demo: {
    summary: 'the shipped small policy does household tasks over a real websocket; q table and page',
    load: () => import('./demo.ts'),
  },
  home: {
    summary: 'the embedded household: tasks, demonstrations, an episode to look at, audit, Gymnasium',
    load: () => import('./home.ts'),
  },
  data: { summary: 'check, show, edit and convert data sets, propose a robot', load: () => import('./data.ts') },
  stats: { summary: 'exact statistics and correlation over all chunks', load: () => import('./stats.ts') },
  tokenizer: { summary: 'fit and check a FAST vocabulary', load: () => import('./tokenizer.ts') },
  train: { summary: 'train a policy', load: () => import('./train.ts') },
  import: {
    summary: 'original, openpi and safetensors checkpoints into a Valet checkpoint',
    load: () => import('./import.ts'),
  },
  inspect: { summary: 'what a checkpoint holds', load: () => import('./inspect.ts') },
  export: { summary: 'a checkpoint for openpi or as safetensors', load: () => import('./export.ts') },
  serve: { summary: 'the policy server', load: () => import('./serve.ts') },
  replay: { summary: 'a recorded session sent to a server again', load: () => import('./replay.ts') },
  eval: { summary: 'rollouts into a ledger', load: () => import('./eval.ts') },
  worker: { summary: 'works on whatever a queue in a Redis holds', load: () => import('./worker.ts') },
  report: {
    summary: 'table, figure and page of an evaluation; curves of trainings',
    load: () => import('./report.ts'),
  },
  label: { summary: 'why episodes failed, by rules or by a person', load: () => import('./label.ts') },
  figure: { summary: 'pictures of the method, as SVG', load: () => import('./figure.ts') },
  'export-rollout': { summary: 'a recorded rollout for other viewers', load: () => import('./exportRollout.ts') },
  compare: { summary: 'paired statistics of two evaluations', load: () => import('./compare.ts') },
  submit: { summary: "the challenge's submission folder, checked and scored", load: () => import('./submit.ts') },
  verify: { summary: 'golden cases, quantity by quantity', load: () => import('./verify.ts') },
  studio: { summary: 'the web page over data, training and rollouts' },
  bench: { summary: 'one benchmark with its peers', load: () => import('./bench.ts') },
  study: { summary: 'a declared study of the method' },
  doctor: { summary: 'what this machine can do', load: () => import('./doctor.ts') },
};

/**
 * Runs one command. What goes wrong is told on stderr.
 * @param words what stands behind `valet` on the command line
 * @returns the exit code: 0 done, 1 failed, 2 wrong use or bad input, 130 interrupted
 */
export async function runCommand(words: readonly string[]): Promise<number> {
  // `valet help import` is `valet import --help`.
  const argv = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
  const program = new Command('valet')
    .description('Valet trains, serves and evaluates long-horizon robot policies.')
    .version(packageVersion())
    .enablePositionalOptions() // what stands behind a command's name is the command's own
    .exitOverride();
  program.configureOutput({ writeErr: (text) => void process.stderr.write(text) });
  const name = argv.find((word) => !word.startsWith('-'));
  for (const [key, { summary, load }] of Object.entries(COMMANDS)) {
    if (key === name && load) {
      const command = (await load()).command();
      program.addCommand(plainHelp(exitOverrideAll(command.name(key).description(command.description() || summary))));
    } else
      program.addCommand(
        new Command(key)
          .description(load ? summary : `${summary} (not built yet)`)
          .allowUnknownOption()
          .allowExcessArguments()
          .exitOverride()
          .action(() => {
            throw new ValetError(`valet ${key}`, 'not built yet. The README lists what is.');
          }),
      );
  }
  if (name && !(name in COMMANDS)) {
    const guess = nearest(name, Object.keys(COMMANDS));
    process.stderr.write(
      `valet: unknown command '${name}'.${guess ? ` Did you mean '${guess}'?` : ' See valet --help.'}\n`,
    );
    return 2;
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    return tellError(thrown);
  }
}

function exitOverrideAll(command: Command): Command {
  command.exitOverride();
  for (const child of command.commands) exitOverrideAll(child);
  return command;
}
