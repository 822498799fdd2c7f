import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { openDataset } from '../../src/data/index.ts';
import { episodeMcap, evaluate, rolloutMcap } from '../../src/evaluate/index.ts';
import { robotNamed } from '../../src/robot/index.ts';
import { writeRobotDataset } from '../../test/support/data.ts';
import type { Check } from '../check.ts';
import { python } from '../python.ts';

interface Found {
  readonly schemas: readonly string[];
  readonly stated: Readonly<Record<string, number>>;
  readonly indexed: Readonly<Record<string, number>>;
  readonly streamed: Readonly<Record<string, number>>;
  readonly afterMiddle: boolean;
  readonly pictures: readonly string[];
}

/** `valet export-rollout --format mcap`: an expert's episode, and one of a data set of another robot. */
export const check: Check = async (report) => {
  const executable = await python(import.meta.dirname);
  const place = await mkdtemp(join(tmpdir(), 'valet-interop-viewers-'));
  try {
    const out = join(place, 'evaluation');
    const tasks = ['turning_on_radio'];
    await evaluate({ policy: { kind: 'expert' }, tasks, instances: [0], out, silent: true });
    const [unit = ''] = await readdir(join(out, 'rollouts'));
    const found = await readByOthers(
      executable,
      await rolloutMcap(join(out, 'rollouts', unit)),
      place,
      'rollout',
      report,
    );
    report('rollout: poses and actions of every step', (found['/tf'] ?? 0) === (found['/action'] ?? 0) + 1);
    for (const name of ['aloha', 'single-arm']) {
      const robot = robotNamed(name);
      const set = join(place, name);
      await writeRobotDataset(set, robot, { episodes: 1, frames: 120 });
      const dataset = await openDataset(set);
      const file = await episodeMcap(dataset, dataset.episodes[0]?.index ?? 0);
      const counts = await readByOthers(executable, file, place, name, report);
      const cameras = robot.cameraNames.every((camera) => (counts[`/camera/${camera}`] ?? 0) > 1);
      report(`${name}: actions of every step, pictures of every camera`, counts['/action'] === 120 && cameras);
    }
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

/** What Foxglove's library and Rerun find in a file. @returns messages by topic */
async function readByOthers(
  executable: string,
  bytes: Buffer,
  place: string,
  name: string,
  report: Parameters<Check>[0],
): Promise<Readonly<Record<string, number>>> {
  const file = join(place, `${name}.mcap`);
  await writeFile(file, bytes);
  const { stdout } = await promisify(execFile)(executable, [join(import.meta.dirname, 'mcap_side.py'), file]);
  const { schemas, stated, indexed, streamed, afterMiddle, pictures } = JSON.parse(stdout) as Found;
  const same = (a: object, b: object) =>
    JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
  report(`${name}: every message is found by the index`, same(indexed, stated), JSON.stringify(indexed));
  report(`${name}: and without it, with checksums`, same(streamed, stated), JSON.stringify(streamed));
  report(`${name}: a part of the time is found`, afterMiddle);
  report(`${name}: pictures are PNG or JPEG`, ['PNG', 'JPEG'].includes(pictures.join()), pictures.join());
  await rerunReads(executable, file, stated, (what, ...more) => report(`${name}: ${what}`, ...more));
  const wanted = ['foxglove.CompressedImage', 'foxglove.FrameTransforms', 'foxglove.SceneUpdate'];
  const known = name === 'rollout' ? wanted : wanted.slice(0, 1);
  report(
    `${name}: schemas that Foxglove draws`,
    known.every((schema) => schemas.includes(schema)),
    schemas.join(', '),
  );
  return indexed;
}

/**
 * Rerun's own reader finds every message. It keeps JSON messages as they are: it draws Foxglove's schemas in Protobuf
 * alone.
 */
async function rerunReads(
  executable: string,
  file: string,
  stated: Found['stated'],
  report: Parameters<Check>[0],
): Promise<void> {
  const rerun = async (...words: string[]) =>
    (await promisify(execFile)(join(dirname(executable), 'rerun'), words, { maxBuffer: 1 << 26 })).stdout;
  const checked = await rerun('mcap', 'check', '--full', file);
  const sound = [...checked.matchAll(/^ok .*?(\/\S+)/gm)].map(([, topic]) => topic);
  report('Rerun finds no fault with it', sound.length === Object.keys(stated).length, sound.join(', '));
  const recording = `${file}.rrd`;
  await rerun('mcap', 'convert', file, '-o', recording);
  const rows = [...(await rerun('rrd', 'print', '-v', recording)).matchAll(MESSAGES)];
  const found = Object.fromEntries(rows.map(([, count, topic = '']) => [topic, Number(count)]));
  const same = Object.entries(stated).every(([topic, count]) => found[topic] === count);
  report('and reads every message', same && rows.length === sound.length, JSON.stringify(found));
}

/** Rows of messages in what Rerun prints of a recording. */
const MESSAGES = / with (\d+) rows .* - (\/\S+) - data columns: \[\S+@McapMessage:data\]/g;
