import { present } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import type { EpisodeRecord } from './episodeRecord.ts';

/**
 * The per-episode JSON: BEHAVIOR keeps the recording's attributes here; ours are the instance, the keys and whatever
 * `meta` says.
 */
export function metaInfo(episode: EpisodeRecord, length: number) {
  const { instance, trajectory = 0, taskInfoKeys = [] } = episode;
  return { num_samples: length, task_obs_keys: taskInfoKeys, instance, trajectory, ...episode.meta };
}

/** The skills, in the form of the challenge's annotations. */
export function annotation(episode: EpisodeRecord, length: number) {
  return {
    task_name: episode.taskName.replaceAll('_', ' '),
    data_folder: episode.taskName,
    meta_data: { task_duration: length, valid_duration: [0, length] },
    skill_annotation: episode.skills.map((skill, skill_idx) => ({
      skill_idx,
      skill_id: [],
      skill_description: [skill.name],
      object_id: [[]],
      manipulating_object_id: [],
      memory_prefix: [],
      spatial_prefix: [],
      frame_duration: [skill.start, skill.end],
      mp_ef: [],
      skill_type: [],
    })),
    primitive_annotation: [],
  };
}

/** Path lengths of base and hands in metres; 0 where the layout of proprioception does not name them. */
export function distances(robot: Robot, state: Float32Array, width: number, length: number) {
  const fields = robot.proprioception.layouts.find((layout) => layout.length === width)?.fields ?? {};
  const path = (field: string, count: number) => {
    const start = fields[field]?.[0];
    if (start === undefined) return 0;
    let total = 0;
    for (let t = 1; t < length; t++) {
      let square = 0;
      for (let i = start; i < start + count; i++)
        square +=
          (present(state[t * width + i], 'state[t * width + i]') -
            present(state[(t - 1) * width + i], 'state[(t - 1) * width + i]')) **
          2;
      total += Math.sqrt(square);
    }
    return total;
  };
  return {
    distance_traveled: path('base_qpos', 2),
    left_eef_displacement: path('eef_left_pos', 3),
    right_eef_displacement: path('eef_right_pos', 3),
  };
}
