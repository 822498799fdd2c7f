import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pythonWith } from '../../bench/pythonEnvironment.ts';
import { checkDataset, datasetStatistics, openDataset } from '../../src/data/index.ts';
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
    }
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

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
