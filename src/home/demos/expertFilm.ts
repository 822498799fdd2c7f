import { InputError } from '../../base/index.ts';
import { writeFilm } from '../../data/index.ts';
import { paste, pixelText } from '../../picture/index.ts';
import { createExpert } from '../expert/index.ts';
import { openHousehold } from '../tasks/index.ts';
import type { HomeTask, Household } from '../world/index.ts';

/** The room's picture, wide to high; beside it the head camera's, a square. */
const ROOM_SHAPE = 1.5;
/** The line below the pictures: time and skill. */
const CAPTION = 24;
const MARGIN = 4;
const LARGEST_PICTURE = 720;
/** One picture for so many control steps, and so many pictures a second: twice as fast as it happens. */
const STEPS_PER_FRAME = 4;
const FRAMES_PER_SECOND = 15;
/** x264's constant rate factor: 10 to 20 KB a second at 224 pixels. */
const CRF = 27;
/** The last picture stays for a second. */
const LINGER = FRAMES_PER_SECOND;

export interface ExpertFilm {
  readonly steps: number;
  readonly success: boolean;
}

/**
 * An episode of the expert as an H.264 film, twice as fast as it happens: the room, what the head camera sees, time and
 * skill. Written aside and renamed.
 * @param imageSize side of the pictures, even
 * @throws InputError for pictures that are too large or of odd size
 */
export async function expertFilm(
  task: string | HomeTask,
  instance: number,
  path: string,
  { imageSize = 224 }: { imageSize?: number } = {},
): Promise<ExpertFilm> {
  if (imageSize > LARGEST_PICTURE || imageSize % 4 !== 0)
    throw new InputError(
      'expertFilm',
      `a film's pictures are a multiple of 4 wide, at most ${LARGEST_PICTURE} pixels (got ${imageSize}).`,
    );
  const household = await openHousehold(task, { imageSize });
  try {
    household.reset(instance);
    const width = (1 + ROOM_SHAPE) * imageSize;
    await writeFilm(path, frames(household, imageSize), width, imageSize + CAPTION, {
      fps: FRAMES_PER_SECOND,
      crf: CRF,
      keyFrameInterval: 10 * FRAMES_PER_SECOND,
    });
    return { steps: household.steps, success: household.success };
  } finally {
    household.close();
  }
}

/** Plays the episode and draws it on the way: uint8 [imageSize + CAPTION, 2.5 · imageSize, 3] each. */
function* frames(household: Household, imageSize: number): Generator<Uint8Array> {
  const expert = createExpert(household);
  try {
    for (let done = false; !done; ) {
      if (household.steps % STEPS_PER_FRAME === 0) yield frame(household, expert.skill, imageSize);
      done = household.step(expert.act()).done;
    }
    const last = frame(household, household.success ? 'done' : 'not done', imageSize);
    for (let i = 0; i < LINGER; i++) yield last;
  } finally {
    expert.close();
  }
}

function frame(household: Household, skill: string, imageSize: number): Uint8Array {
  const roomWidth = ROOM_SHAPE * imageSize;
  const width = roomWidth + imageSize;
  const canvas = { width, data: new Uint8Array(3 * width * (imageSize + CAPTION)) };
  paste(canvas, household.picture('overview', roomWidth, imageSize), 0, 0);
  paste(canvas, household.picture('head', imageSize), roomWidth, 0);
  const seconds = (household.steps / household.robot.rate).toFixed(1);
  paste(canvas, pixelText(`${seconds} s  ${skill}`), MARGIN, imageSize + MARGIN);
  return canvas.data;
}
