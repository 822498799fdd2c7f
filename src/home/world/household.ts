import { InputError, Random, throwIfAbandoned, ValetError } from '../../base/index.ts';
import type { Observation, Picture, Robot } from '../../robot/index.ts';
import { fulfilled, qScore } from '../score/index.ts';
import { Controllers } from './controllers.ts';
import { copyEpisode, type HouseholdEpisode, type Snapshot, type StepOutcome } from './episode.ts';
import { distance, type Vector3 } from './geometry.ts';
import { type GraspMode, holdTogether } from './hands.ts';
import { splitOf } from './instances.ts';
import { Physics } from './mujoco.ts';
import type { Light } from './render/geometry.ts';
import { COLUMNS, HOUSEHOLD_ROBOT, SIDES } from './robot.ts';
import { RobotWorld } from './robotWorld.ts';
import { sceneXml } from './scene.ts';
import { furnish } from './scenery.ts';
import { Senses, type ViewName } from './senses.ts';
import type { ExpertWorld, HomeTask, Situation, TaskRuntime } from './task.ts';
import { TASK_INFO_KEYS, taskInfo } from './taskInfo.ts';
import { type LimitYear, timeLimit } from './timeLimit.ts';

export interface HouseholdOptions {
  /** Side of the square camera pictures, pixels. */
  readonly imageSize?: number;
  readonly grasp?: GraspMode;
  /** Whose time-outs hold ('2025'). */
  readonly edition?: LimitYear | undefined;
  /** MJCF of further bodies in the scene. */
  readonly bodies?: string | undefined;
}

/** One robot in one room with one task: MuJoCo underneath, the challenge's observation, action and score on top. */
export class Household extends RobotWorld implements ExpertWorld {
  /** Whose observations it gives and whose actions it takes, `robot.rate` of them a second. */
  readonly robot: Robot = HOUSEHOLD_ROBOT;
  readonly runtime: TaskRuntime;
  readonly taskInfoKeys: readonly string[] = TASK_INFO_KEYS;
  private readonly controllers: Controllers;
  private readonly senses: Senses;
  private episode: HouseholdEpisode;

  private constructor(
    readonly task: HomeTask,
    physics: Physics,
    readonly imageSize: number,
    readonly grasp: GraspMode,
    readonly edition: LimitYear,
  ) {
    super(physics, grasp, task);
    this.controllers = new Controllers(physics);
    this.senses = new Senses(physics, this.hands);
    this.episode = {
      instance: -1,
      initial: [],
      steps: 0,
      invalid: undefined,
      travelled: [0, 0, 0],
      lastAction: new Float32Array(this.robot.width),
    };
    this.runtime = task.create(this);
  }

  /** The caller closes the household. @throws InputError for a picture size that cannot be drawn */
  static async create(
    task: HomeTask,
    { imageSize = 64, grasp = 'assisted', edition = '2025', bodies }: HouseholdOptions = {},
  ): Promise<Household> {
    if (!Number.isInteger(imageSize) || imageSize < 8 || imageSize > 2048)
      throw new InputError('Household', `a picture size must be an integer from 8 to 2048 (got ${imageSize}).`);
    return new Household(task, await Physics.create(sceneXml(task, bodies)), imageSize, grasp, edition);
  }

  /**
   * Starts an episode. The scene follows from the task and the instance number alone.
   * @param alter changes the scene that was set up, before anything is looked at
   * @throws InputError for a number in no split
   */
  reset(instance: number, alter?: () => void): void {
    splitOf(instance);
    const { physics, runtime } = this;
    const lastAction = this.resetRobot();
    furnish(this, Random.of('furniture', this.task.name, instance));
    runtime.place(Random.of('household', this.task.name, instance));
    alter?.();
    physics.mujoco.mj_forward(physics.model, physics.data);
    const initial = this.literals();
    this.episode = { instance, initial, steps: 0, invalid: undefined, travelled: [0, 0, 0], lastAction };
  }

  /**
   * Plays one action ([robot.width], docs/facts.md#actions) for one control step. An episode that has become invalid
   * stays as it is.
   * @param disturbance added to the action on its way to the motors, unknown to whoever acts (`lastAction` is without
   *   it)
   */
  step(action: ArrayLike<number>, disturbance?: ArrayLike<number>): StepOutcome {
    // An episode takes long: a worker that must end does so here.
    throwIfAbandoned();
    const { physics, episode, robot } = this;
    if (episode.instance < 0)
      throw new ValetError('Household.step', 'there is no episode. Call reset(instance) first.');
    if (action.length !== robot.width)
      throw new InputError('Household.step', `an action has ${robot.width} numbers (got ${action.length}).`);
    if (episode.invalid) return this.result();
    const bad = Array.from(action).findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      episode.invalid = `action[${bad}] is ${action[bad]}`;
      return this.result();
    }
    const before = this.points();
    this.controllers.play(disturbance ? Array.from(action, (value, i) => value + (disturbance[i] ?? 0)) : action);
    physics.poses();
    episode.lastAction.set(Array.from(action));
    episode.steps++;
    this.grip(action);
    this.runtime.afterStep();
    const after = this.points();
    const [base, left, right] = episode.travelled;
    episode.travelled = [
      base + distance(after[0], before[0]),
      left + distance(after[1], before[1]),
      right + distance(after[2], before[2]),
    ];
    const warnings = physics.warnings();
    if (warnings.length > 0) episode.invalid = `MuJoCo warned: ${warnings.join(', ')}`;
    return this.result();
  }

  /** What the robot senses now. Without cameras the pictures are empty (0 × 0). */
  observe({ cameras = true }: { cameras?: boolean } = {}): Observation {
    const none = { width: 0, height: 0, channels: 3, data: new Uint8Array(0) } as const;
    return {
      proprioception: this.senses.proprioception(),
      pictures: cameras
        ? this.senses.pictures(this.imageSize)
        : Object.fromEntries(this.robot.cameraNames.map((name) => [name, none])),
      taskId: this.task.id,
    };
  }

  /** The same, with pictures that are drawn when somebody looks. Good until the next step. */
  observation(): Observation {
    return { ...this.observe({ cameras: false }), pictures: this.senses.lazyPictures(this.imageSize) };
  }

  /** What one camera of the robot sees now, as in `observe`. */
  cameraPicture(camera: string): Picture {
    return this.senses.cameraPicture(camera, this.imageSize);
  }

  /** A picture of any camera, or of the room (`overview`), RGB. */
  picture(view: ViewName, width: number, height = width): Picture {
    return this.senses.picture(view, width, height);
  }

  cameraPoses(): Float32Array {
    return this.senses.cameraPoses();
  }

  get instance(): number {
    return this.episode.instance;
  }

  /** Control steps played since the reset. */
  get steps(): number {
    return this.episode.steps;
  }

  /** Time-out, as the challenge takes it from the human mean. */
  get maxSteps(): number {
    return timeLimit(this.task, this.edition);
  }

  /** The light of the room; its own when undefined. */
  set light(light: Light | undefined) {
    this.senses.light = light;
  }

  /** After geoms have got another size. */
  shapesChanged(): void {
    this.senses.shapesChanged();
  }

  get success(): boolean {
    return fulfilled(this.runtime.goal.options, this.literals());
  }

  /** The literals, whether each holds now, and whether it held at the start. */
  goal(): { literals: { text: string; value: boolean; initial: boolean }[] } {
    const literals = this.runtime.goal.literals.map((literal, i) => ({
      text: literal.text,
      value: literal.holds(),
      initial: this.episode.initial[i] ?? false,
    }));
    return { literals };
  }

  /** The score if the episode ended now (docs/facts.md#scores). */
  q(): number {
    return qScore(this.runtime.goal.options, this.episode.initial, this.literals());
  }

  /** Metres travelled by the base and by each hand since the reset. */
  distances(): { base: number; left: number; right: number } {
    const [base, left, right] = this.episode.travelled;
    return { base, left, right };
  }

  situation(): Situation {
    return this.runtime.situation();
  }

  /** Privileged [12], named by `taskInfoKeys`. */
  taskInfo(): Float32Array {
    return taskInfo(this, this.situation());
  }

  /** The action played last; after a reset the one that holds the reset pose. */
  get lastAction(): Float32Array {
    return this.episode.lastAction.slice();
  }

  snapshot(): Snapshot {
    const { equalityData, equalityObject2 } = this.physics.views;
    return {
      task: this.task.name,
      episode: copyEpisode(this.episode),
      physics: this.physics.saveState(),
      equalityData: equalityData.slice(),
      equalityObject2: equalityObject2.slice(),
      held: { left: this.hands.left.held, right: this.hands.right.held },
      runtime: this.runtime.save(),
    };
  }

  /** Goes back to a snapshot of the same episode. @throws ValetError for one of another task or instance */
  restore({ task, episode, physics, equalityData, equalityObject2, held, runtime }: Snapshot): void {
    if (task !== this.task.name || episode.instance !== this.instance)
      throw new ValetError(
        'Household.restore',
        `a snapshot of ${task} ${episode.instance} does not fit ${this.task.name} ${this.instance}. Reset to ` +
          'that instance first.',
      );
    const { views } = this.physics;
    views.equalityData.set(equalityData);
    views.equalityObject2.set(equalityObject2);
    this.physics.loadState(physics);
    this.physics.poses();
    for (const side of SIDES) this.hands[side].held = held[side];
    this.runtime.load(runtime);
    this.episode = copyEpisode(episode);
  }

  /** Hands take hold and let go, as their commands and what they touch would have it. */
  private grip(action: ArrayLike<number>): void {
    const { left, right } = COLUMNS.gripper;
    const command = { left: action[left] as number, right: action[right] as number };
    for (const side of SIDES) this.hands[side].update(command[side]);
    if (this.task.wide && this.grasp === 'assisted') holdTogether(this.hands, command);
  }

  private points(): [Vector3, Vector3, Vector3] {
    const [x, y] = this.base;
    return [[x, y, 0], this.hands.left.tip, this.hands.right.tip];
  }

  private literals(): boolean[] {
    return this.runtime.goal.literals.map((literal) => literal.holds());
  }

  private result(): StepOutcome {
    const { invalid, steps } = this.episode;
    const success = invalid === undefined && this.success;
    const done = success || invalid !== undefined || steps >= this.maxSteps;
    return invalid === undefined ? { done, success } : { done, success, invalid };
  }
}
