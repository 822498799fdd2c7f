import { join } from 'node:path';
import { present } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import { cameraFeatures, featureOf, pictureFeatures } from './cameras.ts';
import type { CameraChoice } from './choice/cameraChoice.ts';
import type { Dataset, Episode } from './dataset.ts';
import { fillPath, type Info } from './layout.ts';
import { readColumns } from './numericColumns.ts';
import { ParquetError, parquetSchema } from './parquet.ts';
import { eachPicture, picturesOf } from './pictures.ts';
import { sharedClaims } from './sharedClaims.ts';
import { sideFiles, stagesOf } from './sideFiles.ts';
import { episodeFiles, readEpisodeTable, readTaskTable } from './v30Tables.ts';
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
  const sentenceOf = new Map([...taskRows].reverse().map(({ index, instruction }) => [index, instruction]));
  const claimsOf = sharedClaims();
  const features = cameraFeatures(info, robot, cameraChoice);
  const videos = pictureFeatures(info).filter((name) => info.features[name]?.dtype === 'video');
  const table = await readEpisodeTable(join(root, 'meta', 'episodes'), videos);
  const paths = new Map<string, string>();
  const pathOf = (row: number): string => {
    const values = { chunk_index: table.chunk[row] || 0, file_index: table.file[row] || 0 };
    const key = `${values.chunk_index} ${values.file_index}`;
    const path = paths.get(key) ?? join(root, fillPath(info.data_path, values));
    paths.set(key, path);
    return path;
  };
  const nominal = (row: number) => (Number.isNaN(table.file[row]) ? undefined : pathOf(row));
  // Converters and mergers name other files than those that hold the rows; then the files themselves are asked.
  const files = episodeFiles(join(root, 'data'), table, nominal);
  let askedAll = isCopy;
  let moved = isCopy ? undefined : await files.elsewhere();
  const dataPath = ({ index }: Episode) =>
    moved?.get(index) ?? pathOf(present(table.rowOf(index), 'the row of the episode'));
  const videoPlace = videoPlaces(root, info, table);
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
    episodes: table.episode.map((index, row) => {
      const told = table.task[row] ?? Number.NaN;
      const number = Number.isNaN(told) ? undefined : told;
      const instruction = table.sentence[row] ?? sentenceOf.get(number ?? Number.NaN) ?? '';
      const sentence = taskIndexOf.get(instruction);
      const taskIndex = sentence ?? number ?? -1;
      const length = present(table.length[row], 'the length of the episode');
      return { index, taskIndex, instruction, length, claims: claimsOf({ sentence, table: number }) };
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
