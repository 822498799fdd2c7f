import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { InputError } from '../../base/index.ts';
import type { Episode } from './dataset.ts';
import { eachRow, eachRowOfPages, type RowSink, readColumns } from './numericColumns.ts';
import { openDataset } from './open.ts';
import { queryColumns } from './parquet.ts';

const golden = new URL('../../../test/golden/', import.meta.url).pathname;
const NAMES = ['observation.state', 'action'] as const;

it('gives whole columns as the general reader does, in every form, and its errors', async () => {
  const forms = join(golden, 'parquet-pages');
  for (const file of readdirSync(forms).filter((name) => name.endsWith('.parquet')))
    for (const names of [['action'], ['observation.state'], ['observation.state', 'action'], ['action', 'index']]) {
      const path = join(forms, file);
      const outcome = (reading: Promise<unknown>) => reading.catch((error: Error) => error.message);
      expect(await outcome(readColumns(path, names)), `${file} ${names}`).toEqual(
        await outcome(queryColumns(path, names)),
      );
    }
});

it('names a column that is not there', async () => {
  const forms = join(golden, 'parquet-pages');
  const path = join(forms, readdirSync(forms).find((name) => name.endsWith('.parquet')) as string);
  for (const read of [readColumns, queryColumns])
    await expect(read(path, ['action', 'a "b"'])).rejects.toThrow(`${path}: has no column a "b".`);
});

it.each(['dataset-v21/dataset', 'dataset-v30/dataset', 'dataset-v30/converted'])(
  'hands over the rows that the columns of %s have, episode by episode',
  async (folder) => {
    const dataset = await openDataset(join(golden, folder));
    const files = new Map<string, Episode[]>();
    for (const episode of dataset.episodes)
      files.set(dataset.dataPath(episode), [...(files.get(dataset.dataPath(episode)) ?? []), episode]);
    let frames = 0;
    for (const episodes of files.values()) {
      let parts: number[][] = [[], []];
      const ended: number[][] = [];
      const widths = [0, 0];
      const sink: RowSink = {
        begin: () => {
          parts = [[], []];
        },
        rows(column, data, start, rows, width) {
          parts[column]!.push(...data.subarray(start, start + rows * width));
          widths[column] = width;
        },
        end(length) {
          ended.push(parts.flatMap((part, column) => part.splice(0, length * widths[column]!)));
        },
      };
      await eachRow(dataset, episodes, NAMES, sink);
      frames += await eachRowOfPages(dataset, episodes, NAMES, { ...sink, end: () => {} });
      const wanted = await Promise.all(
        episodes.map(async (episode) => {
          const columns = await dataset.columns(episode, NAMES);
          return NAMES.flatMap((name) => [...columns[name].data]);
        }),
      );
      const sorted = (lists: number[][]) => lists.map(String).sort();
      expect(sorted(ended)).toEqual(sorted(wanted));
    }
    expect(frames).toBeGreaterThan(200);
  },
);

it('puts the episode before an error of who takes the rows', async () => {
  const dataset = await openDataset(join(golden, 'dataset-v21/dataset'));
  const sink: RowSink = { begin: () => {}, rows: () => {}, end: () => {} };
  const refuse = () => {
    throw new InputError('statistics', 'a number is not finite.');
  };
  for (const wrong of [{ rows: refuse }, { end: refuse }])
    await expect(eachRow(dataset, dataset.episodes.slice(1, 2), NAMES, { ...sink, ...wrong })).rejects.toThrow(
      /episode_00000020.parquet \(episode 20\): a number is not finite\.$/,
    );
});
