import { join } from 'node:path';
import { z } from 'zod';
import { InputError, present } from '../../base/index.ts';

const Feature = z.looseObject({
  dtype: z.string(),
  shape: z.array(z.number().nullable()),
  names: z.unknown().optional(),
  info: z.looseObject({}).optional(),
});

/** meta/info.json of LeRobot v2.1 and v3.0. */
export const InfoSchema = z.looseObject({
  codebase_version: z.string(),
  robot_type: z.string().nullable().optional(),
  total_episodes: z.number().int().nonnegative(),
  total_frames: z.number().int().nonnegative(),
  total_tasks: z.number().int().nonnegative().optional(),
  chunks_size: z.number().int().positive().default(10000),
  fps: z.number().positive(),
  splits: z.record(z.string(), z.string()).optional(),
  data_path: z.string(),
  video_path: z.string().nullable().optional(),
  metainfo_path: z.string().optional(),
  annotation_path: z.string().optional(),
  /** Valet's own: the rows 0, n, 2n … of an episode have pictures of their own, the others repeat the last. */
  pictures_every: z.number().int().positive().optional(),
  features: z.record(z.string(), Feature),
});
export type Info = z.infer<typeof InfoSchema>;

/** A line of meta/episodes.jsonl. */
export const EpisodeLine = z.looseObject({
  episode_index: z.number().int().nonnegative(),
  tasks: z.array(z.string()).default([]),
  length: z.number().int().positive(),
});
export type EpisodeLine = z.infer<typeof EpisodeLine>;

/** A line of meta/tasks.jsonl. */
export const TaskLine = z.looseObject({
  task_index: z.number().int().nonnegative(),
  task_name: z.string().optional(),
  task: z.string(),
  /** For each stage those that may follow it, where they branch. */
  stage_successors: z.array(z.array(z.number().int().nonnegative())).optional(),
});
export type TaskLine = z.infer<typeof TaskLine>;

/** A line of meta/episodes_stats.jsonl, as far as it is used. */
export const EpisodeStatsLine = z.looseObject({ episode_index: z.number().int().nonnegative() });

const Interval = z.tuple([z.number(), z.number()]);
/** annotations/…/episode_….json, as far as it is used. */
export const AnnotationSchema = z.looseObject({
  task_name: z.string().optional(),
  skill_annotation: z
    .array(
      z.looseObject({
        skill_idx: z.number().int().optional(),
        skill_description: z.array(z.string()).optional(),
        /** [a, b), or several such pairs when the skill was interrupted. */
        frame_duration: z.union([Interval, z.array(Interval)]),
      }),
    )
    .default([]),
  meta_data: z.looseObject({ task_duration: z.number().optional(), valid_duration: Interval.optional() }).optional(),
});
export type Annotation = z.infer<typeof AnnotationSchema>;

/** Fills `{key}` and Python's `{key:04d}` in a path template of info.json. */
export function fillPath(template: string, values: Readonly<Record<string, number | string>>): string {
  return template.replace(/\{(\w+)(?::0?(\d*)d?)?\}/g, (_, key: string, digits: string | undefined) => {
    const value = values[key];
    if (value === undefined)
      throw new InputError(
        'info.json',
        `path template ${JSON.stringify(template)} uses {${key}}, which is not known here.`,
      );
    return digits ? String(value).padStart(Number(digits), '0') : String(value);
  });
}

/** Width and height of a feature's pictures; undefined where info.json does not say. The axes may be named. */
export function pictureSize(info: Info, feature: string): { width: number; height: number } | undefined {
  const { shape = [], names } = info.features[feature] ?? {};
  const named = Array.isArray(names) ? names.map(String) : [];
  const at = (name: string, place: number) => shape[named.includes(name) ? named.indexOf(name) : place];
  const [height, width] = [at('height', 0), at('width', 1)];
  return typeof height === 'number' && typeof width === 'number' ? { width, height } : undefined;
}

/** Where the files of episode `index` of a v2.1 data set are. */
export function episodePaths(root: string, info: Info, index: number) {
  const values = { episode_chunk: Math.floor(index / info.chunks_size), episode_index: index };
  const at = (template: string | null | undefined, extra = {}) =>
    template ? join(root, fillPath(template, { ...values, ...extra })) : undefined;
  return {
    data: present(at(info.data_path), 'at(info.data_path)'),
    metainfo: at(info.metainfo_path),
    annotation: at(info.annotation_path),
    video: (feature: string) => at(info.video_path, { video_key: feature }),
  };
}
