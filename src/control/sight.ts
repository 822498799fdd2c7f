import { InputError, nearest } from '../base/index.ts';
import { isEncoded } from '../picture/index.ts';
import type { Observation, Picture, Robot } from '../robot/index.ts';
import { FrozenCameras } from './frozenCameras.ts';

/** How a session sees: what of an observation is replaced before anybody looks. */
export interface SightOptions {
  /** Every observation is of this task, whatever it says. */
  readonly task?: number | undefined;
  /** The task of observations that name none. */
  readonly defaultTask?: number | undefined;
  /** Parts of the robot, or kinds of parts ("base-velocity"), whose measured state is taken to be 0. */
  readonly mask: readonly string[];
  /**
   * A camera that is suddenly all black shows its last picture for so many observations after it was last seen to show
   * something (30); then it is believed. 0: never.
   */
  readonly fillBlack: number;
  /** A black picture of this camera was replaced. */
  readonly onBlack?: ((camera: string) => void) | undefined;
  /**
   * A camera that shows the same picture again for more than so many observations in a row, though the robot moves, is
   * told (30). 0: never.
   */
  readonly frozenAfter: number;
  /** The camera is one of those; how many observations in a row by now. */
  readonly onFrozen?: ((camera: string, observations: number) => void) | undefined;
}

/** A byte up to this is black; what encoders leave of it, too. */
const BLACK = 4;

/** An observation as the session is to see it. Holds the last good picture of each camera. */
export class Sight {
  private readonly hidden: ReadonlyMap<number, readonly number[]>;
  private readonly good = new Map<string, Picture>();
  /** Of each camera, the observation in which it was last seen not to be black. */
  private readonly bright = new Map<string, number>();
  private observations = 0;
  private readonly frozen = new FrozenCameras();

  /** @throws InputError for a part that the robot lacks */
  constructor(
    robot: Robot,
    private readonly options: SightOptions,
  ) {
    this.hidden = hiddenColumns(robot, options.mask);
  }

  /** Another episode: pictures of the last one say nothing. */
  reset(): void {
    this.good.clear();
    this.bright.clear();
    this.observations = 0;
    this.frozen.reset();
  }

  /** @param remember whether the pictures may be needed soon, in place of black ones */
  see(observation: Observation, remember: boolean): Observation {
    const { task, defaultTask = -1, fillBlack, frozenAfter } = this.options;
    const { taskId, proprioception } = observation;
    const hidden = this.hidden.get(proprioception.length) ?? [];
    return {
      ...observation,
      taskId: task ?? (taskId === -1 ? defaultTask : taskId),
      proprioception: hidden.length > 0 ? without(proprioception, hidden) : proprioception,
      pictures: fillBlack > 0 || frozenAfter > 0 ? this.looked(observation, remember) : observation.pictures,
    };
  }

  private looked({ pictures, proprioception }: Observation, remember: boolean): Observation['pictures'] {
    const { fillBlack } = this.options;
    if (this.options.frozenAfter > 0) this.frozen.begin(proprioception);
    const seen: Record<string, Picture> = {};
    this.observations++;
    for (const camera of Object.keys(pictures)) {
      const { get } = Object.getOwnPropertyDescriptor(pictures, camera) ?? {};
      if (get && !remember) {
        // It is drawn when somebody looks, and nobody is about to.
        Object.defineProperty(seen, camera, { enumerable: true, get });
        continue;
      }
      const picture = pictures[camera] as Picture;
      this.tellFrozen(camera, picture);
      const good = this.good.get(camera);
      const black = this.observations - (this.bright.get(camera) ?? 0);
      if (!isBlack(picture)) {
        this.bright.set(camera, this.observations);
        if (remember && fillBlack > 0 && !isEncoded(picture))
          this.good.set(camera, { ...picture, data: picture.data.slice() });
        seen[camera] = picture;
      } else if (good && black <= fillBlack) {
        this.options.onBlack?.(camera);
        seen[camera] = good;
      } else seen[camera] = picture;
    }
    return seen;
  }

  private tellFrozen(camera: string, picture: Picture): void {
    const { frozenAfter, onFrozen } = this.options;
    if (frozenAfter <= 0) return;
    const repeats = this.frozen.look(camera, picture);
    if (repeats > frozenAfter) onFrozen?.(camera, repeats);
  }
}

/** Whether every colour of every pixel is black; of a JPEG file nobody knows before it is opened. */
function isBlack(picture: Picture): boolean {
  const { data, channels } = picture;
  if (isEncoded(picture)) return false;
  for (let i = 0; i < data.length; i++)
    if ((data[i] as number) > BLACK && (channels === 3 || i % 4 !== 3)) return false;
  return true;
}

function without(values: Float32Array, columns: readonly number[]): Float32Array {
  const copy = values.slice();
  for (const column of columns) copy[column] = 0;
  return copy;
}

/** Columns of the proprioception, by its length, that the state of the masked parts is made of. */
function hiddenColumns(robot: Robot, mask: readonly string[]): Map<number, number[]> {
  const kindOf = (kind: string) => kind.replaceAll(' ', '-');
  const columns = new Set<number>();
  for (const name of mask) {
    const parts = robot.parts.filter((part) => part.name === name || kindOf(part.kind) === name);
    if (parts.length === 0) {
      const known = [...new Set(robot.parts.flatMap((part) => [part.name, kindOf(part.kind)]))];
      const near = nearest(name, known);
      throw new InputError(
        'mask',
        `the robot ${robot.name} has no part ${name} (there are: ${known.join(', ')}).` +
          (near ? ` Did you mean ${near}?` : ''),
      );
    }
    for (const { columns: range } of parts) for (let at = range[0]; at < range[1]; at++) columns.add(at);
  }
  return new Map(
    robot.proprioception.layouts.map(({ length, state }) => {
      let at = 0;
      const hidden: number[] = [];
      for (const source of state) {
        const own = 'sum' in source ? [source.sum] : range(source.columns).map((column) => [column]);
        for (const from of own) if (columns.has(at++)) hidden.push(...from);
      }
      return [length, hidden];
    }),
  );
}

const range = ([start, end]: readonly [number, number]) => Array.from({ length: end - start }, (_, i) => start + i);
