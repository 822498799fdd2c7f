import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { InputError, requireOutput, writeFileAside } from '../base/index.ts';
import { openDataset } from '../data/index.ts';
import { episodeMcap, rolloutMcap, sessionMcap } from '../evaluate/index.ts';
import { CHALLENGE_ROBOT } from '../robot/index.ts';
import { openRecordings } from '../serve/index.ts';
import { refuseIdle } from './shared/given.ts';
import { whole } from './shared/numbers.ts';
import { robotOption } from './shared/robot.ts';

interface Options {
  format: string;
  out: string;
  robot?: string;
  session?: string;
  episode: number;
  json: boolean;
}

export function command(): Command {
  return new Command('export-rollout')
    .description('what a robot saw and did, for other viewers: poses, actions, pictures, stages')
    .argument('<source>', 'EVALUATION/rollouts/UNIT, what valet serve --record wrote, or a data set')
    .addOption(new Option('--format <name>', 'mcap: Foxglove and others').choices(['mcap']).default('mcap'))
    .requiredOption('--out <file>', 'file to write')
    .option('--robot <name|file>', "whose recording or data set it is (the challenge's; the set's own)")
    .option('--session <id>', 'which session (of several recordings)')
    .option('--episode <number>', 'episode_index (of a data set)', whole, 0)
    .option('--json', 'print one JSON object on stdout', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet eval --policy expert --tasks turning_on_radio --instances 0 --out out/expert' +
        '\n  $ valet export-rollout out/expert/rollouts/turning_on_radio_0_0 --format mcap --out radio.mcap' +
        '\n  $ valet export-rollout demos --episode 0 --out demonstration.mcap',
    )
    .action(run);
}

async function run(source: string, options: Options, command: Command): Promise<void> {
  const { out, json, format } = options;
  await requireOutput(out, { kind: 'file' });
  const bytes = await mcapOf(source, options, command);
  await writeFileAside(out, bytes);
  process.stdout.write(`${json ? JSON.stringify({ out, format, bytes: bytes.length }) : out}\n`);
}

async function mcapOf(source: string, options: Options, command: Command): Promise<Buffer> {
  const isSet = existsSync(join(source, 'meta/info.json'));
  const isRollout = existsSync(join(source, 'scene.json')) || existsSync(join(source, 'steps.jsonl'));
  if (isRollout) {
    refuseIdle(command, ['robot', 'session', 'episode'], 'with a recorded rollout');
    return rolloutMcap(source);
  }
  const robot = await robotOption(options);
  if (isSet) {
    refuseIdle(command, ['session'], 'with a data set');
    return episodeMcap(await openDataset(source, robot), options.episode);
  }
  if (!existsSync(source))
    throw new InputError(
      source,
      'is not there. Give EVALUATION/rollouts/UNIT, a recording of a server, or a data set.',
    );
  refuseIdle(command, ['episode'], 'with recordings of a server');
  const { recordings, unreadable } = await openRecordings(source);
  for (const reason of unreadable) process.stderr.write(`passed over: ${reason}\n`);
  try {
    const wanted = recordings.filter(({ session }) => options.session === undefined || session === options.session);
    const [one] = wanted;
    if (!one || wanted.length > 1)
      throw new InputError(
        source,
        `holds ${wanted.length} sessions${options.session === undefined ? '' : ' of that id'} (expected one). ` +
          `Name one by --session: ${recordings
            .map(({ session }) => session)
            .slice(0, 8)
            .join(', ')}.`,
      );
    if (one.incomplete) process.stderr.write(`${one.path} is not whole: ${one.incomplete}\n`);
    return await sessionMcap(one, robot.robot ?? CHALLENGE_ROBOT);
  } finally {
    await Promise.all(recordings.map((recording) => recording.close()));
  }
}
