import { join } from 'node:path';
import { InputError, present } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import { cameraFeatures, featureOf, pictureFeatures } from './cameras.ts';
import type { CameraChoice } from './choice/cameraChoice.ts';
import type { Dataset, Episode } from './dataset.ts';
import { fillPath, type Info } from './layout.ts';
import { readColumns } from './numericColumns.ts';
import { ParquetError, parquetSchema } from './parquet.ts';
import { eachPicture, picturesOf } from './pictures.ts';
import { sideFiles, stagesOf } from './sideFiles.ts';
import { episodeFiles, readEpisodeRows, readTaskTable } from './v30Tables.ts';
import { videoPlaces } from './v30Videos.ts';

/**
 * LeRobot v3.0: many episodes per parquet file and per video, found through the tables in meta/.
 * @param isCopy a part of a server's files: episodes are where the index says, or nowhere
 */
export async function openV30(
  root: string,
  info: Info,
  robot: Robot | undefined,
  cameraChoice?: CameraChoice,
  isCopy = false,
): Promise<Dataset> {
  const taskRows = await readTaskTable(join(root, 'meta'));
  const taskIndexOf = new Map(taskRows.flatMap(({ index, texts }) => texts.map((text) => [text, index] as const)));
  const features = cameraFeatures(info, robot, cameraChoice);
  const videos = pictureFeatures(info).filter((name) => info.features[name]?.dtype === 'video');
  const rows = await readEpisodeRows(join(root, 'meta', 'episodes'), videos);
  const byIndex = new Map(rows.map((row) => [row.episode_index, row]));
  if (byIndex.size !== rows.length) throw new InputError(join(root, 'meta', 'episodes'), 'lists an episode twice.');

  const nominal = (episode: Pick<Episode, 'index'>) => {
    const row = present(byIndex.get(episode.index), 'the row of the episode');
    const values = { chunk_index: row['data/chunk_index'] ?? 0, file_index: row['data/file_index'] ?? 0 };
    return join(root, fillPath(info.data_path, values));
  };
  // Converters and mergers name other files than those that hold the rows; then the files themselves are asked.
  const files = episodeFiles(
    join(root, 'data'),
    rows.map((row) => ({
      index: row.episode_index,
      path: row['data/file_index'] == null ? '' : nominal({ index: row.episode_index }),
      length: row.length,
    })),
  );
  let askedAll = isCopy;
  let moved = isCopy ? undefined : await files.elsewhere();
  const dataPath = (episode: Episode) => moved?.get(episode.index) ?? nominal(episode);
  const videoPlace = videoPlaces(root, info, rows);
  const cameraFeature = (camera: string) => (camera in info.features ? camera : featureOf(root, features, camera));
  const dataset: Dataset = {
    root,
    format: 'v3.0',
    info,
    fps: info.fps,
    robot,
    cameras: [...features.keys()],
    cameraFeature,
    tasks: new Map(taskRows.map(({ index, name, instruction }) => [index, { name, instruction }])),
    episodes: rows.map((row) => {
      const table = row.task_index ?? undefined;
      const listed = taskRows.find(({ index }) => index === table)?.instruction;
      const instruction = row.tasks[0] ?? listed ?? '';
      const sentence = taskIndexOf.get(instruction);
      const taskIndex = sentence ?? table ?? -1;
      return { index: row.episode_index, taskIndex, instruction, length: row.length, claims: { sentence, table } };
    }),
    taskRows,
    cameraChoice,
    async columns(episode, names) {
      let columns = await readColumns(dataPath(episode), names, episode);
      const empty = () => names.some((name) => columns[name].rows === 0);
      if (empty() && !askedAll) {
        askedAll = true;
        moved = await files.all();
        columns = await readColumns(dataPath(episode), names, episode);
      }
      if (empty()) throw new ParquetError(dataPath(episode), `holds no rows of episode ${episode.index}.`);
      return columns;
    },
    columnNames: async (episode) => (await parquetSchema(dataPath(episode))).map((column) => column.name),
    dataPath,
    video: (episode, camera) => videoPlace(cameraFeature(camera), episode.index),
    frames: (episode, camera, indices) => picturesOf(dataset, episode, camera, indices),
    eachPicture: (...wanted) => eachPicture(dataset, ...wanted),
    ...sideFiles(root, info),
    stages: (episode) => stagesOf(dataset, episode),
  };
  return dataset;
}
