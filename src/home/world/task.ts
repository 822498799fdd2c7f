import type { Random } from '../../base/index.ts';
import type { Quaternion, Vector3 } from './geometry.ts';
import type { Goal } from './goal.ts';
import type { Hand } from './hands.ts';
import type { Physics } from './mujoco.ts';
import type { Side } from './robot.ts';

/** What a task sees of the household: the physics, the hands, and where the base stands (x, y in metres, yaw in radians). */
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

/** A household task. */
export interface HomeTask<Runtime extends TaskRuntime = TaskRuntime> {
  /** The challenge's number and name. */
  readonly id: number;
  readonly name: string;
  readonly instruction: string;
  readonly numStages: number;
  /** Mean length of the expert's episodes in control steps (measured); the time-out is twice this. */
  readonly meanExpertSteps: number;
  /** Names of the skills, one for each stage. */
  readonly skills: readonly string[];
  /** MJCF of furniture and objects, and contact sensors of the task's own. */
  readonly bodies: string;
  readonly sensors: string;
  /** Pairs of bodies that must not collide: a fixed body and its moving part. */
  readonly excluded: readonly (readonly [string, string])[];
  /** Bodies that a hand may hold, each with a geom of the same name. */
  readonly graspable: readonly string[];
  create(world: World): Runtime;
}
