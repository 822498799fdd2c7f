import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pythonWith } from '../../bench/pythonEnvironment.ts';
import { checkDataset, datasetStatistics, openDataset, selectEpisodes, writeSet } from '../../src/data/index.ts';
import { makeDemonstrations } from '../../src/home/index.ts';
import type { Check } from '../check.ts';
import { orSkip } from '../python.ts';

interface Made {
  readonly lengths: readonly number[];
  readonly tasks: readonly string[];
  readonly actions: readonly (readonly number[])[];
}

/** Data sets that both eras of LeRobot write here and now (v2.1 and v3.0), with videos and with pictures in tables. */
export const check: Check = async (report) => {
  const place = await mkdtemp(join(tmpdir(), 'valet-interop-data-'));
  const here = import.meta.dirname;
  try {
    for (const version of ['0.3', '0.4']) {
      const python = await orSkip(() =>
        pythonWith(join(here, 'requirements', `lerobot-${version}.txt`), (line) => console.log(line)),
      );
      for (const kind of ['videos', 'images']) {
        const root = join(place, `${version}-${kind}`);
        const env = { ...process.env, HF_HUB_OFFLINE: '1', HF_HOME: join(place, 'home') };
        const { stdout } = await promisify(execFile)(python, [join(here, 'lerobot_side.py'), root, kind], {
          env,
          maxBuffer: 2 ** 26,
        });
        const made = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Made;
        for (const [what, problem] of await differences(root, made))
          report(`LeRobot ${version}, ${kind}: ${what}`, problem === undefined, problem);
      }
      const ours = join(place, `ours-${version}`);
      await writeOurs(ours, version === '0.3' ? 'v2.1' : 'v3.0');
      const env = { ...process.env, HF_HUB_OFFLINE: '1', HF_HOME: join(place, 'home') };
      const { stdout } = await promisify(execFile)(python, [join(here, 'lerobot_reads.py'), ours], {
        env,
        maxBuffer: 2 ** 28,
      });
      const seen = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Seen;
      for (const [what, problem] of await unlikeOurs(ours, seen))
        report(`LeRobot ${version} reads ours: ${what}`, problem === undefined, problem);
    }
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

/** What LeRobot makes of a set: every frame, and for each camera the mean levels of red, green and blue. */
interface Seen {
  readonly episodes: number;
  readonly frames: readonly {
    readonly episode: number;
    readonly frame: number;
    readonly task: string;
    readonly action: readonly number[];
    readonly levels: readonly (readonly number[])[];
  }[];
  readonly cameras: readonly string[];
  readonly stats: { readonly mean: readonly number[]; readonly std: readonly number[] };
}

/** Demonstrations of two tasks of which some episodes were selected, in a version of LeRobot with its own folders. */
async function writeOurs(out: string, format: 'v2.1' | 'v3.0'): Promise<void> {
  const tasks = ['turning_on_radio', 'opening_shown_drawer'];
  await makeDemonstrations({ tasks, episodes: 3, out: `${out}-made`, seed: 3, clipSeconds: 1.5, silent: true });
  const kept = async (dir: string, skipped: number) =>
    (await selectEpisodes(await openDataset(dir), {})).filter((_, i) => i !== skipped);
  // Through v3.0, since only then v2.1 has LeRobot's folders.
  await writeSet(await kept(`${out}-made`, 1), `${out}-three`, { format: 'v3.0' });
  await writeSet(await kept(`${out}-three`, 3), out, { format });
}

/** What LeRobot's reader sees beside what ours does. */
async function unlikeOurs(root: string, seen: Seen): Promise<[string, string | undefined][]> {
  const dataset = await openDataset(root);
  const out: [string, string | undefined][] = [];
  const is = (what: string, got: unknown, expected: unknown) =>
    out.push([what, String(got) === String(expected) ? undefined : `${got} (expected ${expected})`]);
  is('episodes', seen.episodes, dataset.episodes.length);
  let at = 0;
  for (const episode of dataset.episodes) {
    const { action } = await dataset.columns(episode, ['action']);
    const its = seen.frames.slice(at, at + episode.length);
    at += episode.length;
    is(`frames of episode ${episode.index}`, its.filter((one) => one.episode === episode.index).length, episode.length);
    is(`task of episode ${episode.index}`, its[0]?.task, episode.instruction);
    is(
      `actions of episode ${episode.index}`,
      its.flatMap((one) => one.action),
      Array.from(action.data),
    );
    const indices = Array.from({ length: episode.length }, (_, i) => i);
    for (const [c, feature] of seen.cameras.entries()) {
      const { frames } = await dataset.frames(episode, feature, indices);
      const levels = frames.map((rgb) => [0, 1, 2].map((k) => rgb.filter((_, i) => i % 3 === k)).map(mean));
      const off = Math.max(
        ...levels.flatMap((three, i) => three.map((x, k) => Math.abs(x - (its[i]?.levels[c]?.[k] ?? 0)))),
      );
      out.push([
        `pictures of ${feature} in episode ${episode.index}`,
        off < 1.5 ? undefined : `mean levels off by ${off}`,
      ]);
    }
  }
  is('frames', seen.frames.length, at);
  out.push(['statistics of actions', seen.stats.mean.every(Number.isFinite) ? undefined : 'are not finite']);
  return out;
}

const mean = (values: Uint8Array): number => values.reduce((sum, x) => sum + x, 0) / values.length;

/** What is compared, and how it is off. */
async function differences(root: string, made: Made): Promise<[string, string | undefined][]> {
  const checked = await checkDataset(root);
  const dataset = await openDataset(root);
  const { frames } = await datasetStatistics([root], { workers: 1, horizon: 30 });
  const expected = made.lengths.reduce((sum, n) => sum + n, 0);
  const out: [string, string | undefined][] = [
    ['check finds nothing', checked.ok ? undefined : JSON.stringify(checked.problems.slice(0, 3))],
    ['statistics see every frame', frames === expected ? undefined : `${frames}, expected ${expected}`],
  ];
  for (const [i, episode] of dataset.episodes.entries()) {
    const { action } = await dataset.columns(episode, ['action']);
    const same = String(Array.from(action.data)) === String((made.actions[i] ?? []).map(Math.fround));
    out.push([`actions of episode ${i}`, same ? undefined : 'differ']);
    out.push([`task of episode ${i}`, episode.instruction === made.tasks[i] ? undefined : episode.instruction]);
    out.push([`pictures of episode ${i}`, await wrongPicture(dataset, i)]);
  }
  return out;
}

/** Every frame shows its own number, and its episode as a colour. */
async function wrongPicture(dataset: Awaited<ReturnType<typeof openDataset>>, i: number): Promise<string | undefined> {
  const episode = dataset.episodes[i];
  if (!episode) return 'no such episode';
  const indices = Array.from({ length: episode.length }, (_, frame) => frame);
  for (const [c, camera] of ['head', 'left_wrist', 'right_wrist'].entries()) {
    const { frames, width } = await dataset.frames(episode, camera, indices);
    for (const [frame, rgb] of frames.entries()) {
      const at = (x: number, y: number, channel: number) => rgb[3 * (y * width + x) + channel] ?? 0;
      let shown = 0;
      for (let bit = 0; bit < 8; bit++) if (at(8 * bit + 4, 8, 0) > 127) shown |= 1 << bit;
      const colour = at(32, 40, c);
      if (shown !== frame || Math.abs(colour - (40 + 60 * i)) > 12)
        return `frame ${frame} of ${camera} shows ${shown}, colour ${colour}`;
    }
  }
  return undefined;
}
