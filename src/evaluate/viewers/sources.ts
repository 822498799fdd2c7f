import { InputError } from '../../base/index.ts';
import { type Dataset, requireRobot } from '../../data/index.ts';
import type { Robot } from '../../robot/index.ts';
import { recordedSteps, type SessionRecording } from '../../serve/index.ts';
import { type RobotMoment, robotMcap } from './robotMcap.ts';

/** Pictures are kept about so often, as in a recorded rollout. */
const SECONDS_BETWEEN_PICTURES = 1;

/** A session that `valet serve --record` kept, of any robot. @throws InputError when it is not that robot's */
export function sessionMcap(recording: SessionRecording, robot: Robot): Promise<Buffer> {
  return robotMcap(robot, robot.cameraNames, sessionMoments(recording, robot));
}

async function* sessionMoments(recording: SessionRecording, robot: Robot): AsyncGenerator<RobotMoment> {
  let begun: number | undefined;
  let shown = Number.NEGATIVE_INFINITY;
  for await (const { ms, observation, action } of recordedSteps(recording, robot)) {
    begun ??= ms;
    const seconds = (ms - begun) / 1000;
    const isDue = seconds - shown >= SECONDS_BETWEEN_PICTURES;
    if (isDue) shown = seconds;
    yield { seconds, action, state: observation.proprioception, pictures: isDue ? observation.pictures : {} };
  }
  if (begun === undefined)
    throw new InputError(recording.path, 'holds no observation. Record a session in which a robot asks for actions.');
}

/**
 * An episode of a data set, of any robot.
 * @throws InputError when there is no such episode, or its robot is not known
 */
export function episodeMcap(dataset: Dataset, index: number): Promise<Buffer> {
  return robotMcap(requireRobot(dataset), dataset.cameras, episodeMoments(dataset, index));
}

async function* episodeMoments(dataset: Dataset, index: number): AsyncGenerator<RobotMoment> {
  const episode = dataset.episodes.find((one) => one.index === index);
  if (!episode)
    throw new InputError(
      '--episode',
      `${dataset.root} has no episode ${index} (the first is ${dataset.episodes[0]?.index ?? 'none'}). Name its index.`,
    );
  const { action, 'observation.state': state } = await dataset.columns(episode, ['action', 'observation.state']);
  const stages = await dataset.stages(episode);
  const every = Math.max(1, Math.round(dataset.fps * SECONDS_BETWEEN_PICTURES));
  const due = Array.from({ length: Math.ceil(episode.length / every) }, (_, i) => i * every);
  const rows = await Promise.all(
    dataset.cameras.map(async (camera) => [camera, await dataset.frames(episode, camera, due)] as const),
  );
  const row = ({ data, width }: typeof action, frame: number) =>
    Array.from({ length: width }, (_, i) => Number(data[frame * width + i]));
  for (let frame = 0; frame < episode.length; frame++) {
    const pictures = rows.flatMap(([camera, { width, height, frames }]) => {
      const pixels = frame % every === 0 ? frames[frame / every] : undefined;
      return pixels ? [[camera, { width, height, channels: 3 as const, data: pixels }] as const] : [];
    });
    yield {
      seconds: frame / dataset.fps,
      ...{ action: row(action, frame), state: row(state, frame), stage: stages?.[frame] },
      pictures: Object.fromEntries(pictures),
    };
  }
}
