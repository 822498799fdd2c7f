import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeFilm } from '../../data/index.ts';
import { ScenePainter } from '../../home/index.ts';
import { paste, pixelText } from '../../picture/index.ts';
import { readRolloutScene, readStepLines, readTrack } from './recording.ts';

/** The film of a rollout, in its folder. */
export const FILM_FILE = 'film.mp4';
/** Its sides: the room, beside it a square of what the head camera looks at, below both a line of words. */
const [ROOM_WIDTH, HEIGHT, CAPTION] = [336, 224, 24];
const MARGIN = 4;
/** One picture for so many control steps: the film takes as long as the rollout. */
const STEPS_PER_FRAME = 3;
/** x264's constant rate factor: 5 to 15 KB a second. */
const CRF = 28;
const SECONDS_BETWEEN_KEY_FRAMES = 2;

/**
 * Makes the film of a recorded rollout (H.264, 4:2:0, MP4), drawn from its poses, unless it is there and the recording
 * has not changed since. Written aside and renamed. @returns its path
 * @throws when the recording is not there, or damaged
 */
export async function rolloutFilm(rollout: string): Promise<string> {
  const path = join(rollout, FILM_FILE);
  const sources = ['scene.json', 'track.bin', 'steps.jsonl'].map((name) => statSync(join(rollout, name)).mtimeMs);
  if (existsSync(path) && statSync(path).mtimeMs >= Math.max(...sources)) return path;
  const { scene } = readRolloutScene(rollout);
  const fps = Math.max(1, Math.round(scene.framesPerSecond / STEPS_PER_FRAME));
  const pictures = framesOf(rollout, await readTrack(rollout));
  const keyFrameInterval = fps * SECONDS_BETWEEN_KEY_FRAMES;
  await writeFilm(path, pictures, ROOM_WIDTH + HEIGHT, HEIGHT + CAPTION, { fps, crf: CRF, keyFrameInterval });
  return path;
}

/** uint8 [248, 560, 3] each: room and head camera, with time, stage and q. */
function* framesOf(rollout: string, track: Float32Array): Generator<Uint8Array> {
  const { scene, colours } = readRolloutScene(rollout);
  const lines = readStepLines(rollout);
  const painter = new ScenePainter(scene);
  const numbers = 7 * scene.moving.length;
  const steps = track.length / numbers - 1;
  const stops = Array.from({ length: Math.ceil(steps / STEPS_PER_FRAME) + 1 }, (_, i) =>
    Math.min(i * STEPS_PER_FRAME, steps),
  );
  for (const step of stops) {
    const poses = track.subarray(step * numbers, (step + 1) * numbers);
    const changed = new Map(colours.filter((change) => change.step <= step).map(({ geom, colour }) => [geom, colour]));
    const draw = (camera: string, width: number) =>
      painter.picture(camera, poses, { width, height: HEIGHT, ...(changed.size > 0 && { colours: changed }) });
    const line = lines[step - 1];
    const stage = line?.stage === undefined ? '' : `  stage ${line.stage + 1}`;
    const words = `${(step / scene.framesPerSecond).toFixed(1)} s${stage}  q ${(line?.q ?? 0).toFixed(2)}`;
    const width = ROOM_WIDTH + HEIGHT;
    const frame = { width, data: new Uint8Array(3 * width * (HEIGHT + CAPTION)) };
    paste(frame, draw('overview', ROOM_WIDTH), 0, 0);
    paste(frame, draw('head', HEIGHT), ROOM_WIDTH, 0);
    paste(frame, pixelText(words), MARGIN, HEIGHT + MARGIN);
    yield frame.data;
  }
}
