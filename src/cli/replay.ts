import { Command } from 'commander';
import { InputError, Progress } from '../base/index.ts';
import {
  openRecordings,
  REPLAY,
  readKeyFile,
  replaySession,
  type SessionRecording,
  type SessionReplay,
  waitForServer,
} from '../serve/index.ts';
import { atLeastZero } from './shared/numbers.ts';
import { addWaitOption, waiting } from './shared/waiting.ts';

interface Options {
  against: string;
  asRecorded: boolean;
  session?: string;
  apiKeyFile?: string;
  wait?: number;
  tolerance: number;
  json: boolean;
}

export function command(): Command {
  const replay = new Command('replay')
    .description('send recorded sessions to a server again and compare its actions')
    .argument('<path>', 'folder that valet serve --record wrote, or one recording of it')
    .requiredOption('--against <url>', 'the server, ws://HOST:PORT')
    .option('--as-recorded', 'keep the recorded times between messages, sessions at once as they were', false)
    .option('--session <id>', 'this session alone')
    .option('--api-key-file <file>', "the server's key");
  return addWaitOption(replay)
    .option('--tolerance <x>', 'largest difference of a number that still counts as equal', atLeastZero, 0)
    .option('--json', 'print one JSON object', false)
    .addHelpText(
      'after',
      '\nExample:\n  $ valet replay recordings --against ws://127.0.0.1:8000\n\n' +
        'Exit code 1 when a reply differs, or a recording is not whole. ' +
        'Without --as-recorded each message is sent as soon as the reply before it is there.',
    )
    .action(run);
}

async function run(path: string, options: Options): Promise<void> {
  const { against: url, asRecorded, tolerance } = options;
  if (!URL.canParse(url) || !['ws:', 'wss:'].includes(new URL(url).protocol))
    throw new InputError('valet replay', `"${url}" is no websocket address (expected ws://HOST:PORT or wss://…).`);
  const apiKey = options.apiKeyFile === undefined ? undefined : await readKeyFile(options.apiKeyFile);
  const { recordings, unreadable } = await openRecordings(path);
  for (const reason of unreadable) process.stderr.write(`passed over: ${reason}\n`);
  try {
    const wanted = recordings.filter((recording) => isWanted(recording, options.session, path));
    const passedOver = recordings.filter(({ query }) => REPLAY in query).length;
    if (options.session === undefined && wanted.length < recordings.length)
      process.stderr.write(`${passedOver} recordings are of replays and are passed over; --session ID sends one.\n`);
    if (wanted.length === 0)
      throw new InputError(
        path,
        options.session === undefined
          ? 'holds only recordings of replays. Send one by --session ID.'
          : `holds no session ${options.session} (there are: ${recordings.map(({ session }) => session).join(', ')}).`,
      );
    await waitForServer(url, waiting(options));
    const total = wanted.flatMap(({ events }) => events).filter(({ kind }) => kind.startsWith('sent')).length;
    const progress = new Progress('replay', total, { unit: 'replies' });
    const replay = (recording: SessionRecording) =>
      replaySession(url, recording, {
        asRecorded,
        ...(apiKey === undefined ? {} : { apiKey }),
        onReply: () => progress.add(),
      });
    const sessions: SessionReplay[] = [];
    if (asRecorded) sessions.push(...(await together(wanted, replay)));
    else for (const recording of wanted) sessions.push(await replay(recording));
    progress.end();
    report(sessions, { tolerance, json: options.json, unreadable });
  } finally {
    await Promise.all(recordings.map((recording) => recording.close()));
  }
}

/** A server that records into the folder that is replayed doubles it: replays of replays are sent only by name. */
function isWanted({ path: file, session, query }: SessionRecording, named: string | undefined, path: string): boolean {
  if (named !== undefined) return session === named;
  return file === path || !(REPLAY in query);
}

/** Every session at the time at which it opened, counted from the first. */
function together(
  recordings: readonly SessionRecording[],
  replay: (recording: SessionRecording) => Promise<SessionReplay>,
) {
  const openedAt = (recording: SessionRecording) => Date.parse(recording.opened) || 0;
  const first = Math.min(...recordings.map(openedAt));
  return Promise.all(
    recordings.map(async (recording) => {
      await new Promise((resolve) => setTimeout(resolve, openedAt(recording) - first));
      return replay(recording);
    }),
  );
}

function report(
  sessions: readonly SessionReplay[],
  { tolerance, json, unreadable }: Pick<Options, 'tolerance' | 'json'> & { readonly unreadable: readonly string[] },
): void {
  const same = (session: SessionReplay) =>
    session.maxDifference <= tolerance && session.differences.length === 0 && session.compared === session.steps;
  const equal = sessions.every(same);
  const broken = sessions.filter(({ incomplete }) => incomplete !== null).length + unreadable.length;
  const maxDifference = Math.max(0, ...sessions.map((session) => session.maxDifference));
  const steps = sessions.reduce((sum, session) => sum + session.compared, 0);
  if (json)
    process.stdout.write(
      `${JSON.stringify({ equal, whole: broken === 0, steps, maxDifference, sessions, unreadable })}\n`,
    );
  else {
    for (const session of sessions) {
      const { compared, firstDifferingStep: first, recordedMs, ms, incomplete } = session;
      const verdict = first === null ? 'equal' : `first difference at step ${first}, largest ${session.maxDifference}`;
      const times = ms && recordedMs ? `; p50 ${ms.p50} ms (recorded ${recordedMs.p50})` : '';
      const note = incomplete === null ? '' : `; the recording is not whole: ${incomplete}`;
      process.stdout.write(`${session.session}: ${compared} of ${session.steps} replies, ${verdict}${times}${note}\n`);
      for (const difference of session.differences) process.stdout.write(`  ${difference}\n`);
    }
    const whole = broken === 0 ? '' : `, as far as they go: ${broken} recordings are not whole`;
    const verdict = `${equal ? 'equal' : 'not equal'}${whole}`;
    process.stdout.write(
      `${verdict}: ${sessions.length} sessions, ${steps} replies, largest difference ${maxDifference}\n`,
    );
  }
  if (!equal || broken > 0) process.exitCode = 1;
}
