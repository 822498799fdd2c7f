import type { Random } from '../../base/index.ts';
import type { StageSuccessors } from '../../robot/index.ts';
import type { Formula, Goal } from '../score/index.ts';
import type { Quaternion, Vector3 } from './geometry.ts';
import type { Graspable, Hand } from './hands.ts';
import type { Physics } from './mujoco.ts';
import type { Side } from './robot.ts';

/**
 * What a task sees of the household: the physics, the hands, and where the base stands (x, y in metres, yaw in
 * radians).
 */
export interface World {
  readonly physics: Physics;
  readonly hands: Readonly<Record<Side, Hand>>;
  readonly base: readonly [number, number, number];
  setBase(x: number, y: number, yaw: number): void;
  /** Puts a free body at a pose, at rest. */
  placeFree(body: string, position: Vector3, quaternion: Quaternion): void;
  /** Moves a fixed body (furniture). */
  placeFixed(body: string, position: Vector3, quaternion: Quaternion): void;
  /** Colours geoms whose names begin with `prefix`; RGB in 0…1. */
  paint(prefix: string, colour: Vector3): void;
  /** Lets geoms whose names begin with `prefix` be seen, or not. */
  show(prefix: string, visible: boolean): void;
}

/** What an expert sees of the household besides. */
export interface ExpertWorld extends World {
  /** A copy of the action [width] that was played last; after a reset the one that holds the reset pose. */
  readonly lastAction: Float32Array;
  /** A point of the world seen from the base. */
  inBase(point: Vector3): Vector3;
  /** A point given in the base frame, in the world. */
  inWorld(point: Vector3): Vector3;
}

/**
 * A program that knows the world and does one task. It decides from the present state alone and may take over at any
 * time.
 */
export interface TaskExpert {
  /** The next action, [width]. When the goal is fulfilled it holds still where it ends. */
  act(): Float32Array;
  close(): void;
}

/** Where a task stands, as a function of the world's present state alone. Positions are in the world frame, metres. */
export interface Situation {
  readonly stage: number;
  readonly skill: string;
  /** What is to be manipulated next. */
  readonly target: Vector3;
  /** Where it is to go (or the target again when nothing is moved). */
  readonly destination: Vector3;
}

/** The running part of a task: bound to one world. */
export interface TaskRuntime {
  readonly goal: Goal;
  /** Sets the scene up; the same random stream gives the same scene. */
  place(random: Random): void;
  /** After every control step: what physics does not do by itself, such as a switch. */
  afterStep(): void;
  situation(): Situation;
  /** Bookkeeping that is not in the physics state. */
  save(): readonly number[];
  load(saved: readonly number[]): void;
}

/**
 * A household task: one object with everything that is known of it. One of those that come with Valet is a folder
 * beside this room and a line in the list of tasks; another can be given to `openHousehold` as it is.
 */
export interface HomeTask<Runtime extends TaskRuntime = TaskRuntime> extends Graspable {
  /** The number on the wire and in the network (the challenge's, for its tasks), and the name. */
  readonly id: number;
  readonly name: string;
  readonly instruction: string;
  readonly numStages: number;
  /**
   * For each stage those that may follow it, where the plain order 0, 1, 2 … will not do: what was seen decides the
   * way, or stages look alike and only the way to them tells them apart.
   */
  readonly stageSuccessors?: StageSuccessors;
  /** Mean length of the expert's episodes in control steps (measured); the time-out is twice this. */
  readonly meanExpertSteps: number;
  /**
   * Of a task that cannot be done from the present picture: the share of episodes that a policy which remembers nothing
   * of what it was shown gets right by guessing.
   */
  readonly chance?: number;
  /** Episodes of `train` instances that the expert was measured in, and in how many it reached the goal. */
  readonly expertMeasured?: { readonly episodes: number; readonly successes: number };
  /** The goal as data, for those who list tasks; what counts is the runtime's. */
  readonly goal?: Formula;
  /**
   * Metres that the base and each hand travel in the expert's episodes, means (measured): what normalised distances are
   * relative to.
   */
  readonly meanExpertMetres: { readonly base: number; readonly left: number; readonly right: number };
  /** Names of the skills, one for each stage. */
  readonly skills: readonly string[];
  /** MJCF of furniture and objects, and contact sensors of the task's own. */
  readonly bodies: string;
  readonly sensors: string;
  /** Pairs of bodies that must not collide: a fixed body and its moving part. */
  readonly excluded: readonly (readonly [string, string])[];
  create(world: World): Runtime;
  /** The program that demonstrates it. The caller closes it. */
  createExpert(world: ExpertWorld, runtime: Runtime): TaskExpert;
}
