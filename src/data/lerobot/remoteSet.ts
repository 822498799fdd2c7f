import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../base/index.ts';
import { type RemoteFolder, shownPlaces } from '../remote/index.ts';
import type { Dataset, Episode } from './dataset.ts';
import { type Info, InfoSchema } from './layout.ts';
import { queryParquet } from './parquet.ts';
import { sidePath, sidePaths } from './sideFiles.ts';

/** Files of an index, of any version, that a set may have; a server cannot be asked for a list. */
const INDEX = ['tasks.jsonl', 'tasks.parquet', 'episodes.jsonl', 'episodes_stats.jsonl', 'stats.json'];
/** What others put beside them: Valet's robot and mapping of stages, GR00T's modalities. */
const BESIDE = ['robot.json', 'stage-mapping.json', 'modality.json'];

/**
 * Has the index of a set on a server here, until the process ends.
 * @param now compare with the server in any case @throws InputError when there is no set at the address
 */
export async function holdIndex(folder: RemoteFolder, now: boolean): Promise<void> {
  const info = join(folder.root, 'meta', 'info.json');
  const names = ['info.json', ...INDEX, ...BESIDE].map((name) => join(folder.root, 'meta', name));
  await (now ? folder.holdNow(names) : folder.hold(names));
  if (!existsSync(info))
    throw new InputError(
      shownPlaces(info),
      'the server has no such file (status 404). Give the address of the folder that holds meta/.',
    );
  const parsed = await parsedInfo(info);
  if (parsed?.codebase_version === 'v3.0') await holdEpisodeTables(folder, parsed);
}

/** What is wrong with the file, whoever opens the set says. */
async function parsedInfo(path: string): Promise<Info | undefined> {
  try {
    return InfoSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/** The tables of episodes are numbered: one after the other, until they have as many rows as there are episodes. */
async function holdEpisodeTables(folder: RemoteFolder, { total_episodes, chunks_size }: Info): Promise<void> {
  const place = (chunk: number, file: number) => {
    const [c, f] = [chunk, file].map((n) => String(n).padStart(3, '0'));
    return join(folder.root, 'meta', 'episodes', `chunk-${c}`, `file-${f}.parquet`);
  };
  let rows = 0;
  for (let [chunk, file] = [0, 0]; rows < total_episodes; ) {
    let path = place(chunk, file);
    await folder.hold([path]);
    if (!existsSync(path) && file > 0) {
      [chunk, file] = [chunk + 1, 0];
      path = place(chunk, file);
      await folder.hold([path]);
    }
    // A part of the list: whoever compares totals says so.
    if (!existsSync(path)) return;
    const [row] = await queryParquet(path, (table) => `select count(*) as n from ${table}`);
    rows += Number(row?.['n']);
    [chunk, file] = file + 1 < chunks_size ? [chunk, file + 1] : [chunk + 1, 0];
  }
}

/** Has the files of each episode that lie in `meta/` here, too, for those who read all of the index. */
export async function holdSides(folder: RemoteFolder, { info, episodes }: Dataset): Promise<void> {
  const meta = join(folder.root, 'meta');
  const paths = episodes.flatMap(({ index }) => sidePaths(folder.root, info, index));
  await folder.hold(paths.filter((path) => path.startsWith(meta)));
}

/** A set of a server: what reads an episode has its files fetched before. */
export function remoteSet(set: Dataset, folder: RemoteFolder): Dataset {
  const dataOf = (episode: Episode) => [set.dataPath(episode)];
  const sideOf = (kind: 'annotation_path' | 'metainfo_path', episode: Episode) =>
    [sidePath(set.root, set.info, kind, episode.index)].filter((path) => path !== undefined);
  const picturesOf = (episode: Episode, camera: string) => {
    const feature = set.cameraFeature(camera);
    const isVideo = set.info.features[feature]?.dtype === 'video';
    return isVideo ? [set.video(episode, camera).path] : dataOf(episode);
  };
  const optional = { optional: true };
  return {
    ...set,
    remote: folder,
    columns: (episode, names) => folder.using(dataOf(episode), () => set.columns(episode, names)),
    columnNames: (episode) => folder.using(dataOf(episode), () => set.columnNames(episode)),
    frames: (episode, camera, indices) =>
      folder.using(picturesOf(episode, camera), () => set.frames(episode, camera, indices)),
    eachPicture: (episode, camera, ...more) =>
      folder.using(picturesOf(episode, camera), () => set.eachPicture(episode, camera, ...more)),
    annotation: (episode) => folder.using(sideOf('annotation_path', episode), () => set.annotation(episode), optional),
    metaInfo: (episode) => folder.using(sideOf('metainfo_path', episode), () => set.metaInfo(episode), optional),
    stages: (episode) => {
      const recorded = 'annotation.stage' in set.info.features;
      const paths = recorded ? dataOf(episode) : sideOf('annotation_path', episode);
      return folder.using(paths, () => set.stages(episode), { optional: !recorded });
    },
  };
}
