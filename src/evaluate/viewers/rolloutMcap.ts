import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { InputError, native } from '../../base/index.ts';
import { HOUSEHOLD_ROBOT } from '../../home/index.ts';
import { type RolloutScene, readRolloutScene, readStepLines, readTrack, type StepLine } from '../rollouts/index.ts';
import {
  FRAMES_SCHEMA,
  pictureChannel,
  pictureMessage,
  primitives,
  quaternion,
  SCENE_SCHEMA,
  stamp,
  vector,
} from './foxglove.ts';
import { type McapChannel, type McapMessage, mcapFile } from './mcap.ts';

const WORLD = 'world';
const ACTION_SCHEMA = { type: 'object', properties: { action: { type: 'array', items: { type: 'number' } } } };
const STEP_SCHEMA = {
  type: 'object',
  properties: {
    ...{ step: { type: 'integer' }, q: { type: 'number' }, goal: { type: 'array', items: { type: 'boolean' } } },
    ...{ stage: { type: 'integer' }, predicted: { type: 'integer' }, truth: { type: 'integer' } },
    ...{ planned: { type: 'boolean' }, rule: { type: 'string' }, reason: { type: 'string' } },
  },
};

/** Whose pictures stand side by side in a recording; older ones do not say, and are the household's. */
const camerasOf = ({ cameras = HOUSEHOLD_ROBOT.cameraNames }: RolloutScene): readonly string[] => cameras;

const CHANNELS: readonly McapChannel[] = [
  { topic: '/tf', schema: 'foxglove.FrameTransforms', jsonSchema: FRAMES_SCHEMA },
  { topic: '/scene', schema: 'foxglove.SceneUpdate', jsonSchema: SCENE_SCHEMA },
  { topic: '/action', schema: 'valet.Action', jsonSchema: ACTION_SCHEMA },
  { topic: '/step', schema: 'valet.Step', jsonSchema: STEP_SCHEMA },
];

/**
 * A recorded rollout for other viewers, as an MCAP file: poses and the room, actions, pictures, stages and rules. Times
 * begin at 0.
 * @param rollout `EVALUATION/rollouts/UNIT` @throws InputError when the folder holds no recording
 */
export async function rolloutMcap(rollout: string): Promise<Buffer> {
  for (const name of ['scene.json', 'steps.jsonl', 'track.bin'])
    if (!existsSync(join(rollout, name)))
      throw new InputError(rollout, `holds no ${name}. Give a recorded rollout, EVALUATION/rollouts/UNIT.`);
  const scene = readRolloutScene(rollout);
  const [steps, track, pictures] = [
    readStepLines(rollout),
    await readTrack(rollout),
    await cameraPictures(rollout, scene),
  ];
  const channels = [...CHANNELS, ...camerasOf(scene).map(pictureChannel)];
  return mcapFile(channels, messages(scene, steps, track, pictures));
}

/** PNG of each camera, in the robot's order, by control step. */
async function cameraPictures(rollout: string, recorded: RolloutScene): Promise<Map<number, Buffer[]>> {
  const { pictures } = recorded;
  const cameras = camerasOf(recorded).length;
  const found = new Map<number, Buffer[]>();
  for (const step of pictures) {
    const strip = readFileSync(join(rollout, 'frames', `${step}.png`));
    const { width: all = cameras, height = 1 } = await native(() => sharp(strip).metadata());
    const width = Math.round(all / cameras);
    const one = (i: number) =>
      native(() =>
        sharp(strip)
          .extract({ left: i * width, top: 0, width, height })
          .png()
          .toBuffer(),
      );
    found.set(step, await Promise.all(Array.from({ length: cameras }, (_, i) => one(i))));
  }
  return found;
}

function* messages(
  recorded: RolloutScene,
  steps: readonly StepLine[],
  track: Float32Array,
  pictures: ReadonlyMap<number, readonly Buffer[]>,
): Generator<McapMessage> {
  const { scene, frames, colours } = recorded;
  const cameras = camerasOf(recorded);
  const shown = scene.geoms.map((geom) => ({ ...geom }));
  for (let step = 0; step < frames; step++) {
    const time = (BigInt(step) * 1_000_000_000n) / BigInt(Math.round(scene.framesPerSecond));
    const changed = colours.filter((change) => change.step === step);
    for (const { geom, colour } of changed)
      shown[geom] = { ...(shown[geom] as (typeof shown)[0]), colour: [...colour] };
    const bodies = step === 0 ? scene.bodies.map((_, body) => body) : scene.moving;
    const transforms = bodies.filter((body) => body > 0).map((body) => frame(scene, track, step, body, time));
    yield { topic: '/tf', time, value: { transforms } };
    if (step === 0 || changed.length > 0) {
      const touched = new Set(changed.map(({ geom }) => scene.geoms[geom]?.body));
      const entities = scene.bodies
        .map((_, body) => body)
        .filter((body) => step === 0 || touched.has(body))
        .map((body) => entity(shown, scene, body, time));
      yield { topic: '/scene', time, value: { deletions: [], entities } };
    }
    const line = steps[step - 1];
    if (line) {
      const { action, executed, ...rest } = line;
      yield { topic: '/action', time, value: { action, ...(executed && { executed }) } };
      yield { topic: '/step', time, value: rest };
    }
    for (const [i, picture] of (pictures.get(step) ?? []).entries()) {
      const camera = cameras[i] as string;
      yield { topic: pictureChannel(camera).topic, time, value: pictureMessage(camera, picture, 'png', time) };
    }
  }
}

type Scene = RolloutScene['scene'];

/** Names of bodies may be empty, and are no frames of their own then. */
const frameName = ({ bodies }: Scene, body: number): string =>
  body === 0 ? WORLD : bodies[body]?.name || `body ${body}`;

function frame(scene: Scene, track: Float32Array, step: number, body: number, time: bigint) {
  const place = scene.moving.indexOf(body);
  const at = 7 * (step * scene.moving.length + place);
  const pose = place < 0 ? undefined : track.subarray(at, at + 7);
  const { position, quaternion: turn } = scene.bodies[body] as Scene['bodies'][0];
  return {
    timestamp: stamp(time),
    parent_frame_id: WORLD,
    child_frame_id: frameName(scene, body),
    translation: vector(pose?.subarray(0, 3) ?? position),
    rotation: quaternion(pose?.subarray(3, 7) ?? turn),
  };
}

function entity(geoms: Scene['geoms'], scene: Scene, body: number, time: bigint) {
  const own = geoms.filter((geom) => geom.body === body && (geom.colour[3] ?? 1) > 0).map(primitives);
  return {
    timestamp: stamp(time),
    frame_id: frameName(scene, body),
    id: frameName(scene, body),
    lifetime: { sec: 0, nsec: 0 },
    frame_locked: true,
    cubes: own.flatMap(({ cubes = [] }) => cubes),
    spheres: own.flatMap(({ spheres = [] }) => spheres),
    cylinders: own.flatMap(({ cylinders = [] }) => cylinders),
  };
}
