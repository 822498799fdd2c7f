import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { evaluate, rolloutMcap } from '../../src/evaluate/index.ts';
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

/** `valet export-rollout --format mcap` of an expert's episode, read by Foxglove's own Python library. */
export const check: Check = async (report) => {
  const executable = await python(import.meta.dirname);
  const place = await mkdtemp(join(tmpdir(), 'valet-interop-viewers-'));
  try {
    const out = join(place, 'evaluation');
    const tasks = ['turning_on_radio'];
    await evaluate({ policy: { kind: 'expert' }, tasks, instances: [0], out, silent: true });
    const [unit = ''] = await readdir(join(out, 'rollouts'));
    const file = join(place, 'rollout.mcap');
    await writeFile(file, await rolloutMcap(join(out, 'rollouts', unit)));
    const { stdout } = await promisify(execFile)(executable, [join(import.meta.dirname, 'mcap_side.py'), file]);
    const { schemas, stated, indexed, streamed, afterMiddle, pictures } = JSON.parse(stdout) as Found;
    const same = (a: object, b: object) =>
      JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
    report('every message is found by the index', same(indexed, stated), JSON.stringify(indexed));
    report('and without it, with checksums', same(streamed, stated), JSON.stringify(streamed));
    report('a part of the time is found', afterMiddle);
    report('poses and actions of every step', (indexed['/tf'] ?? 0) === (indexed['/action'] ?? 0) + 1);
    report('pictures are PNG', pictures.join() === 'PNG');
    await rerunReads(executable, file, stated, report);
    const known = ['foxglove.CompressedImage', 'foxglove.FrameTransforms', 'foxglove.SceneUpdate'];
    report(
      'schemas that Foxglove draws',
      known.every((name) => schemas.includes(name)),
      schemas.join(', '),
    );
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

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
