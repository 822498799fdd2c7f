import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { native, writeFolderAside } from '../../base/index.ts';
import type { Household, PerturbationRecord, PerturbedHousehold, SceneDescription } from '../../home/index.ts';
import type { Picture, PlanRecord, PolicyNote } from '../../robot/index.ts';
import type { EpisodeRecorder } from './episode.ts';
import { PlanLog } from './planLog.ts';

/** One line of `steps.jsonl`. */
export interface StepLine {
  /** Control steps played so far. */
  readonly step: number;
  readonly action: readonly number[];
  /** What was played in its place, where a perturbation changed it. */
  readonly executed?: readonly number[];
  readonly q: number;
  /** Whether each literal of the goal holds. */
  readonly goal: readonly boolean[];
  /** The stage that the policy believes in, after the vote. */
  readonly stage?: number;
  readonly planned?: boolean;
  /** The stage that this step's plan predicted, before the vote. */
  readonly predicted?: number;
  /** The stage in which the episode truly was when the step began. */
  readonly truth?: number;
  /** A rule that fired in this step, and why. */
  readonly rule?: string;
  readonly reason?: string;
}

/** A geom that changed its colour during the episode, such as a lamp. */
export interface ColourChange {
  readonly step: number;
  readonly geom: number;
  readonly colour: readonly number[];
}

/** `scene.json`: what stands where (its `framesPerSecond` is the control rate), and how `track.bin` is laid out. */
export interface RolloutScene {
  readonly scene: SceneDescription;
  /** Frames of the track: float32 [frames, moving bodies, 7], gzipped; frame 0 is the start, one a control step. */
  readonly frames: number;
  readonly colours: readonly ColourChange[];
  /** Steps at which the cameras were kept: `frames/<step>.png`, head and wrists side by side. */
  readonly pictures: readonly number[];
  /** Names of these cameras, in that order; older recordings are of the household's robot and do not say. */
  readonly cameras?: readonly string[];
  /** What went wrong by intention, and what became of it. */
  readonly perturbations?: readonly PerturbationRecord[];
}

/** Pictures kept of a rollout that lasts as long as it may; changes of the goal add to them. */
const PICTURES = { least: 14, most: 60 };
/** No further apart than that, unless there would be too many. */
const SECONDS_APART = 1;
const POSTER = { width: 400, height: 260 };

/** Keeps one rollout: enough to replay, score and label it without running it again. One recorder is one rollout. */
export class RolloutRecorder implements EpisodeRecorder {
  private readonly lines: StepLine[] = [];
  private readonly track: Float32Array[] = [];
  private readonly colours: ColourChange[] = [];
  private readonly plans: PlanLog;
  private readonly strips: { step: number; pictures: Picture[] }[] = [];
  private scene: SceneDescription | undefined;
  private shown: number[][] = [];
  /** Control steps between two pictures. */
  private every = 1;
  private poster: Picture | undefined;
  /** The episode's true stage before the next step. */
  private truth = 0;

  /** @param perturbed in which the episode is played, where things go wrong */
  constructor(
    private readonly household: Household,
    private readonly perturbed?: PerturbedHousehold,
  ) {
    this.plans = new PlanLog(household.robot.width);
  }

  start(): void {
    const { household } = this;
    this.scene = household.sceneDescription();
    this.shown = this.scene.geoms.map((geom) => geom.colour);
    this.truth = household.situation().stage;
    this.every = pictureStride(household.maxSteps, household.robot.rate);
    this.track.push(household.pose());
    this.keepPictures();
  }

  step(action: ArrayLike<number>, note: PolicyNote | undefined, plan?: PlanRecord): void {
    const { household, perturbed } = this;
    if (plan) this.plans.add(household.steps - 1, plan, note);
    const goal = household.goal().literals.map((literal) => literal.value);
    const before = this.lines.at(-1)?.goal;
    this.lines.push({
      step: household.steps,
      action: rounded(action),
      ...(perturbed && differs(perturbed.executed, action) && { executed: rounded(perturbed.executed) }),
      q: household.q(),
      goal,
      ...(note ? { stage: note.stage, ...(note.planned ? { planned: true } : {}) } : {}),
      ...(note?.predicted === undefined ? {} : { predicted: note.predicted }),
      ...(note && { truth: this.truth }),
      ...(note?.rule === undefined ? {} : { rule: note.rule }),
      ...(note?.reason === undefined ? {} : { reason: note.reason }),
    });
    this.truth = household.situation().stage;
    this.track.push(household.pose());
    if (goal.some((value, i) => value !== before?.[i])) {
      this.keepColours();
      if (before) this.keepPictures();
    } else if (household.steps % this.every === 0) this.keepPictures();
  }

  end(): void {
    this.keepColours();
    this.keepPictures();
    this.poster = this.household.picture('overview', POSTER.width, POSTER.height);
  }

  /** Writes the rollout's folder, all of it or nothing. */
  async write(folder: string): Promise<void> {
    const { household, scene, poster, perturbed } = this;
    if (!scene || !poster) return;
    await writeFolderAside(
      folder,
      async (aside) => {
        await writeFile(join(aside, 'steps.jsonl'), this.lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
        await writeFile(
          join(aside, 'track.bin'),
          gzipSync(Buffer.concat(this.track.map((frame) => Buffer.from(frame.buffer)))),
        );
        await this.plans.write(aside);
        const pictures = this.strips.map(({ step }) => step);
        const description: RolloutScene = {
          scene,
          frames: this.track.length,
          colours: this.colours,
          pictures,
          cameras: household.robot.cameraNames,
          ...(perturbed && { perturbations: perturbed.perturbations() }),
        };
        await writeFile(join(aside, 'scene.json'), JSON.stringify(description));
        await mkdir(join(aside, 'frames'));
        for (const { step, pictures } of this.strips)
          await writeFile(join(aside, 'frames', `${step}.png`), await strip(pictures));
        await writeFile(
          join(aside, 'poster.jpg'),
          await native(() => sharp(poster.data, { raw: poster }).jpeg({ quality: 82 }).toBuffer()),
        );
      },
      { replace: true },
    );
  }

  private keepPictures(): void {
    const { household } = this;
    const cameras = this.perturbed ?? household;
    if (this.strips.at(-1)?.step === household.steps) return;
    this.strips.push({
      step: household.steps,
      pictures: household.robot.cameraNames.map((name) => cameras.cameraPicture(name)),
    });
  }

  private keepColours(): void {
    const { household } = this;
    household.sceneDescription().geoms.forEach(({ colour }, geom) => {
      if (colour.every((value, i) => value === this.shown[geom]?.[i])) return;
      this.shown[geom] = colour;
      this.colours.push({ step: household.steps, geom, colour });
    });
  }
}

const rounded = (action: ArrayLike<number>) => Array.from(action, (value) => Number(value.toFixed(5)));
const differs = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).some((value, i) => value !== Math.fround(b[i] as number));

/** Control steps between two pictures of a rollout of `maxSteps`. @param rate control steps a second */
export function pictureStride(maxSteps: number, rate: number): number {
  const wanted = Math.min(Math.round(rate * SECONDS_APART), Math.round(maxSteps / PICTURES.least));
  return Math.max(1, wanted, Math.ceil(maxSteps / PICTURES.most));
}

/** Pictures of one size side by side, PNG. */
async function strip(pictures: readonly Picture[]): Promise<Buffer> {
  const { width = 1, height = 1 } = pictures[0] ?? {};
  const layers = pictures.map((picture, i) => ({
    input: Buffer.from(picture.data),
    raw: { width, height, channels: picture.channels },
    left: i * width,
    top: 0,
  }));
  const background = { create: { width: width * pictures.length, height, channels: 3 as const, background: '#000' } };
  return native(() => sharp(background).composite(layers).png({ compressionLevel: 9 }).toBuffer());
}
