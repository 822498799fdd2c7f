import { join } from 'node:path';
import { present } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import { cameraFeatures, featureOf, pictureFeatures } from './cameras.ts';
import type { CameraChoice } from './choice/cameraChoice.ts';
import type { Dataset, Episode, KnownIndex } from './dataset.ts';
import { EpisodeTable } from './episodeTable.ts';
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
 * @param options.isCopy a part of a server's files: episodes are where the index says, or nowhere
 * @param options.known what another thread read
 */
export async function openV30(
  root: string,
  info: Info,
  robot: Robot | undefined,
  cameraChoice?: CameraChoice,
  { isCopy = false, known }: { readonly isCopy?: boolean; readonly known?: KnownIndex | undefined } = {},
): Promise<Dataset> {
  const taskRows = await readTaskTable(join(root, 'meta'));
  const taskIndexOf = new Map(taskRows.flatMap(({ index, texts }) => texts.map((text) => [text, index] as const)));
  const sentenceOf = new Map([...taskRows].reverse().map(({ index, instruction }) => [index, instruction]));
  const claimsOf = sharedClaims();
  const features = cameraFeatures(info, robot, cameraChoice);
  const videos = pictureFeatures(info).filter((name) => info.features[name]?.dtype === 'video');
  const read = known?.table ? undefined : await readEpisodeTable(join(root, 'meta', 'episodes'), videos);
  const table = new EpisodeTable(known?.table ?? present(read, 'the table').columns);
  const { columns: cells } = table;
  const paths = new Map<string, string>();
  const pathOf = (row: number): string => {
    const values = { chunk_index: cells.chunk[row] || 0, file_index: cells.file[row] || 0 };
    const key = `${values.chunk_index} ${values.file_index}`;
    const path = paths.get(key) ?? join(root, fillPath(info.data_path, values));
    paths.set(key, path);
    return path;
  };
  const nominal = (row: number) => (Number.isNaN(cells.file[row]) ? undefined : pathOf(row));
  // Converters and mergers name other files than those that hold the rows; then the files themselves are asked.
  const files = episodeFiles(join(root, 'data'), table, nominal);
  let askedAll = isCopy;
  let moved = isCopy ? undefined : known ? known.moved : await files.elsewhere();
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
    episodes: (read?.sentences ?? []).map((said, row) => {
      const [index, length] = [cells.episode[row] as number, cells.length[row] as number];
      const told = cells.task[row] ?? Number.NaN;
      const number = Number.isNaN(told) ? undefined : told;
      const instruction = said ?? sentenceOf.get(told) ?? '';
      const sentence = taskIndexOf.get(instruction);
      const taskIndex = sentence ?? number ?? -1;
      return { index, taskIndex, instruction, length, claims: claimsOf({ sentence, table: number }) };
    }),
    known: { table: cells, moved },
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
