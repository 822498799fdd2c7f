import sharp from 'sharp';
import { native } from '../../base/index.ts';
import { isEncoded } from '../../picture/index.ts';
import type { Picture, Robot } from '../../robot/index.ts';
import { pictureChannel, pictureMessage } from './foxglove.ts';
import { type McapChannel, type McapMessage, mcapFile } from './mcap.ts';

/** One moment of any robot: what it sensed and did. */
export interface RobotMoment {
  /** Seconds since the beginning. */
  readonly seconds: number;
  readonly action: ArrayLike<number> | undefined;
  /** The state, or all of the proprioception. */
  readonly state: ArrayLike<number>;
  readonly stage?: number | undefined;
  /** Pictures of this moment by the cameras' names; none where they are left out. */
  readonly pictures: Readonly<Record<string, Picture>>;
}

const NUMBERS = { type: 'array', items: { type: 'number' } };
/** As large as a JPEG of a picture may be without being seen to be one. */
const QUALITY = 90;

/**
 * A robot's moments for other viewers, as an MCAP file: actions (also by the robot's parts, so that a plot has names),
 * state, pictures, stages. Times begin at 0.
 */
export async function robotMcap(robot: Robot, cameras: readonly string[], moments: AsyncIterable<RobotMoment>) {
  const parts = Object.fromEntries(robot.parts.map(({ name }) => [name, NUMBERS]));
  const channels: McapChannel[] = [
    {
      topic: '/action',
      schema: 'valet.Action',
      jsonSchema: { type: 'object', properties: { action: NUMBERS, parts: { type: 'object', properties: parts } } },
    },
    { topic: '/state', schema: 'valet.State', jsonSchema: { type: 'object', properties: { state: NUMBERS } } },
    {
      topic: '/step',
      schema: 'valet.Step',
      jsonSchema: { type: 'object', properties: { step: { type: 'integer' }, stage: { type: 'integer' } } },
    },
    ...cameras.map(pictureChannel),
  ];
  const messages: McapMessage[] = [];
  let step = 0;
  for await (const { seconds, action, state, stage, pictures } of moments) {
    const time = BigInt(Math.round(seconds * 1e9));
    if (action) messages.push({ topic: '/action', time, value: actionMessage(action, robot) });
    messages.push({ topic: '/state', time, value: { state: numbers(state) } });
    messages.push({ topic: '/step', time, value: { step: step++, ...(stage !== undefined && { stage }) } });
    for (const [camera, picture] of Object.entries(pictures))
      messages.push({
        ...{ topic: pictureChannel(camera).topic, time },
        value: pictureMessage(camera, await jpegOf(picture), 'jpeg', time),
      });
  }
  return mcapFile(channels, messages);
}

const numbers = (values: ArrayLike<number>): number[] => Array.from(values, (value) => Number(value.toFixed(5)));

const actionMessage = (action: ArrayLike<number>, { parts }: Robot) => {
  const all = numbers(action);
  return { action: all, parts: Object.fromEntries(parts.map(({ name, columns }) => [name, all.slice(...columns)])) };
};

/** A picture as a JPEG file; one that is such a file already stays as it is. */
async function jpegOf(picture: Picture): Promise<Buffer> {
  if (isEncoded(picture)) return Buffer.from(picture.data);
  const { data, width, height, channels } = picture;
  return native(() =>
    sharp(data, { raw: { width, height, channels } }).removeAlpha().jpeg({ quality: QUALITY }).toBuffer(),
  );
}
