import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from '../../base/index.ts';
import type { Dataset, Episode } from './dataset.ts';
import { AnnotationSchema, fillPath, type Info } from './layout.ts';
import { stageColumn, stagesFromSkills } from './stages.ts';

/** Paths of the files that stand beside an episode's data, if info.json names them. */
export function sidePath(
  root: string,
  info: Info,
  kind: 'annotation_path' | 'metainfo_path',
  index: number,
): string | undefined {
  const template = info[kind];
  if (!template) return undefined;
  return join(root, fillPath(template, { episode_chunk: Math.floor(index / info.chunks_size), episode_index: index }));
}

/** Both of them, as far as info.json names them. */
export const sidePaths = (root: string, info: Info, index: number): string[] =>
  (['metainfo_path', 'annotation_path'] as const).flatMap((kind) => sidePath(root, info, kind, index) ?? []);

/** Reads the annotation and the meta information of an episode, where there are any. */
export function sideFiles(root: string, info: Info): Pick<Dataset, 'annotation' | 'metaInfo'> {
  return {
    async annotation({ index }) {
      const path = sidePath(root, info, 'annotation_path', index);
      return path && existsSync(path) ? readJson(path, AnnotationSchema) : undefined;
    },
    async metaInfo({ index }) {
      const path = sidePath(root, info, 'metainfo_path', index);
      return path && existsSync(path) ? readJson(path, z.record(z.string(), z.unknown())) : undefined;
    },
  };
}

/** See `Dataset.stages`. */
export async function stagesOf(dataset: Dataset, episode: Episode): Promise<Uint16Array | undefined> {
  if ('annotation.stage' in dataset.info.features)
    return stageColumn(
      dataset.dataPath(episode),
      (await dataset.columns(episode, ['annotation.stage']))['annotation.stage'].data,
    );
  const annotation = await dataset.annotation(episode);
  return annotation && stagesFromSkills(annotation, episode.length);
}
