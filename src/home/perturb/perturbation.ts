import { InputError, nearest, type Random } from '../../base/index.ts';
import type { Observation, Picture } from '../../robot/index.ts';
import type { Household } from '../world/index.ts';

/** How strong: 1 is mild, 3 severe. */
export type Level = 1 | 2 | 3;
const LEVELS: readonly Level[] = [1, 2, 3];

/** Numbers and words by name, for records. */
export type Facts = Readonly<Record<string, number | string>>;

/** What a perturbation is told when an episode begins. */
export interface FaultContext {
  readonly household: Household;
  readonly level: Level;
  /** Of this episode, axis and level; for what is drawn once, in `begin`. */
  readonly random: Random;
  /** For what is drawn anew at a step: `Random.of(seed, step)`. */
  readonly seed: string;
  /** The fault does something now. The first time counts as the step at which it struck; facts add up. */
  strike(executed?: Facts): void;
}

/** A perturbation in one episode. Only what it does is there. */
export interface Fault {
  /** What was drawn: what is going to happen, if it can. */
  readonly proposed: Facts;
  /** Changes the scene that the task has set up, before anything is looked at. Restored by others afterwards. */
  scene?(): void;
  /** What the robot measures in place of its proprioception. */
  measure?(proprioception: Float32Array): Float32Array;
  /** What a camera gives in place of its picture. Pure: who looks is told by `looked`. */
  picture?(camera: string, picture: () => Picture): Picture;
  /** The policy has looked at a camera. */
  looked?(camera: string): void;
  /** What is played in place of an action, [width]. Called once a step, before it. */
  command?(action: Float32Array): Float32Array;
  /** Before each step, after `command`; and after it. */
  before?(): void;
  after?(): void;
}

/** One way in which an episode may differ from the clean one. */
export interface Perturbation {
  readonly axis: string;
  /** In words: what happens, and how strong at each level. */
  readonly about: string;
  readonly levels: readonly [string, string, string];
  /** MJCF of bodies that it needs in the scene. */
  bodies?(level: Level): string;
  begin(context: FaultContext): Fault;
}

/** An axis at a level: plain data. */
export interface PerturbationSpec {
  readonly axis: string;
  readonly level: Level;
}

/** What became of a perturbation in one episode. */
export interface PerturbationRecord extends PerturbationSpec {
  readonly proposed: Facts;
  /** The control step at which it struck first; null: it never did. */
  readonly struck: number | null;
  readonly executed: Facts;
}

/** `axis:level`. */
export const perturbationName = ({ axis, level }: PerturbationSpec): string => `${axis}:${level}`;

/**
 * Perturbations of a text: `AXIS[:LEVEL]`, separated by commas; level 2 when left out.
 * @throws InputError that names the nearest axis; for an axis that is named twice
 */
export function parsePerturbations(text: string, axes: readonly string[]): PerturbationSpec[] {
  const found: PerturbationSpec[] = [];
  for (const part of text.split(',').map((word) => word.trim())) {
    const [axis = '', given = '2', ...rest] = part.split(':');
    const level = LEVELS.find((one) => String(one) === given);
    if (!axes.includes(axis)) {
      const guess = nearest(axis, axes);
      throw new InputError(
        '--perturb',
        `no axis "${axis}".${guess ? ` Did you mean ${guess}?` : ''} There are: ${axes.join(', ')}.`,
      );
    }
    if (level === undefined || rest.length > 0)
      throw new InputError('--perturb', `"${part}" has no level (expected ${axis}:1, ${axis}:2 or ${axis}:3).`);
    if (found.some((one) => one.axis === axis))
      throw new InputError('--perturb', `${axis} is named twice. Name each axis once.`);
    found.push({ axis, level });
  }
  return found;
}

/** The value of a level. */
export const atLevel = <T>(level: Level, values: readonly [T, T, T]): T => values[level - 1] as T;

/** A control step in the part of an episode where the work is done: from 15 to 60 % of the experts' mean length. */
export const eventStep = (random: Random, { task }: Household): number =>
  Math.round(task.meanExpertSteps * random.between(0.15, 0.6));

/** An observation with other pictures, each still drawn only when somebody looks. */
export function withPictures(
  observation: Observation,
  picture: (camera: string, clean: () => Picture) => Picture,
): Observation {
  const { pictures } = observation;
  const changed: Record<string, Picture> = {};
  for (const camera of Object.keys(pictures)) {
    let drawn: Picture | undefined;
    const get = () => (drawn ??= picture(camera, () => pictures[camera] as Picture));
    Object.defineProperty(changed, camera, { enumerable: true, get });
  }
  return { ...observation, pictures: changed };
}
