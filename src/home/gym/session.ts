import { InputError, ValetError } from '../../base/index.ts';
import type { Picture } from '../../robot/index.ts';
import { NumpyArray, type Packable, type WireValue } from '../../wire/index.ts';
import { createExpert, type Expert } from '../expert/index.ts';
import { openHousehold } from '../tasks/index.ts';
import { ACTUATORS, type Household, LIMIT_YEARS, refuseHidden, type Snapshot } from '../world/index.ts';

/** Moments that one client may keep. */
const MOST_SNAPSHOTS = 64;

type Words = ReadonlyMap<unknown, WireValue>;
type Reply = Record<string, Packable>;

/**
 * One environment of one client: it asks, and is answered. `open` first, then `reset`, then `step`.
 * `render`, `expert`, `save` and `restore` besides.
 */
export class GymSession {
  private household: Household | undefined;
  private expert: Expert | undefined;
  private cameras = true;
  private q = 0;
  private readonly snapshots = new Map<number, { readonly moment: Snapshot; readonly q: number }>();
  private saved = 0;

  /** @throws InputError for what is asked wrongly */
  async answer(words: Words): Promise<Reply> {
    const op = words.get('op');
    if (op === 'open') return this.open(words);
    const household = this.household;
    if (!household) throw new InputError('gym', `${String(op)} came before open. Open a task first.`);
    switch (op) {
      case 'reset':
        return this.reset(household, whole(words, 'instance'));
      case 'step':
        return this.step(household, numbers(words, 'action'));
      case 'render': {
        const picture = household.picture(
          text(words, 'view', 'overview'),
          whole(words, 'width'),
          whole(words, 'height'),
        );
        return { picture: pixels(picture) };
      }
      case 'expert':
        this.begun(household);
        this.expert ??= createExpert(household);
        return { action: this.expert.act() };
      case 'save': {
        this.begun(household);
        if (this.snapshots.size >= MOST_SNAPSHOTS) this.snapshots.delete(Math.min(...this.snapshots.keys()));
        this.snapshots.set(++this.saved, { moment: household.snapshot(), q: this.q });
        return { snapshot: this.saved };
      }
      case 'restore': {
        const kept = this.snapshots.get(whole(words, 'snapshot'));
        if (!kept)
          throw new InputError('gym', `no snapshot ${whole(words, 'snapshot')} (the last ${MOST_SNAPSHOTS} stay).`);
        if (household.instance !== kept.moment.episode.instance) household.reset(kept.moment.episode.instance);
        household.restore(kept.moment);
        this.q = kept.q;
        return { observation: this.observation(household), info: this.info(household) };
      }
      default:
        throw new InputError(
          'gym',
          `unknown op ${String(op)} (expected open, reset, step, render, expert, save or restore).`,
        );
    }
  }

  close(): void {
    this.expert?.close();
    this.household?.close();
    this.expert = undefined;
    this.household = undefined;
  }

  private async open(words: Words): Promise<Reply> {
    this.close();
    this.snapshots.clear();
    const edition = LIMIT_YEARS.find((year) => year === text(words, 'edition', '2025'));
    if (!edition) throw new InputError('gym', `no edition ${text(words, 'edition', '')} (expected 2025 or 2026).`);
    this.cameras = words.get('cameras') !== false;
    const imageSize = words.has('imageSize') ? whole(words, 'imageSize') : 64;
    const household = await openHousehold(text(words, 'task', ''), { imageSize, edition });
    this.household = household;
    const { robot, task } = household;
    const [layout] = robot.proprioception.layouts;
    const { low, high } = actionBounds(household);
    return {
      task: task.name,
      taskId: task.id,
      instruction: task.instruction,
      maxSteps: household.maxSteps,
      rate: robot.rate,
      cameras: this.cameras ? [...robot.cameraNames] : [],
      imageSize,
      proprioception: layout?.length ?? 0,
      low,
      high,
    };
  }

  private reset(household: Household, instance: number): Reply {
    refuseHidden('gym', [instance], 'Take train instances, from 1,000,000 on, or public ones.');
    household.reset(instance);
    this.q = household.q();
    return { observation: this.observation(household), info: this.info(household) };
  }

  private step(household: Household, action: Float64Array): Reply {
    this.begun(household);
    const { done, success, invalid } = household.step(action);
    if (invalid !== undefined) throw new InputError('gym', `the episode broke off: ${invalid}. Reset it.`);
    const q = household.q();
    const reward = q - this.q;
    this.q = q;
    return {
      observation: this.observation(household),
      reward,
      terminated: success,
      truncated: done && !success,
      info: this.info(household),
    };
  }

  private observation(household: Household): Reply {
    const { proprioception, pictures } = household.observe({ cameras: this.cameras });
    if (!this.cameras) return { proprioception };
    const seen = Object.entries(pictures).map(([name, picture]) => [name, pixels(picture)] as const);
    return { proprioception, ...Object.fromEntries(seen) };
  }

  private info(household: Household): Reply {
    return { q: this.q, success: household.success, steps: household.steps, instance: household.instance };
  }

  private begun({ instance }: Household): void {
    if (instance < 0) throw new ValetError('gym', 'there is no episode. Reset first.');
  }
}

/** [height, width, 3], uint8. */
const pixels = ({ data, width, height }: Picture) => new NumpyArray('|u1', [height, width, 3], data);

/** What actions may be: joints within their ranges, velocities and grippers from -1 to 1. */
function actionBounds({ physics, robot }: Household): { low: Float32Array; high: Float32Array } {
  const ranges: Float64Array = physics.model.actuator_ctrlrange;
  const low = new Float32Array(robot.width).fill(-1);
  const high = new Float32Array(robot.width).fill(1);
  for (const { kind, columns } of robot.parts)
    if (kind === 'joint position')
      for (let column = columns[0]; column < columns[1]; column++) {
        const actuator = physics.id('actuator', ACTUATORS[column] ?? '');
        low[column] = ranges[2 * actuator] as number;
        high[column] = ranges[2 * actuator + 1] as number;
      }
  return { low, high };
}

function whole(words: Words, name: string): number {
  const value = words.get(name);
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new InputError('gym', `${name} is ${String(value)} (expected a whole number).`);
  return value;
}

function text(words: Words, name: string, otherwise: string): string {
  const value = words.get(name) ?? otherwise;
  if (typeof value !== 'string') throw new InputError('gym', `${name} is ${String(value)} (expected text).`);
  return value;
}

/** A list, or a numpy array of one dimension. */
function numbers(words: Words, name: string): Float64Array {
  const value = words.get(name);
  if (value instanceof NumpyArray && value.shape.length === 1) return Float64Array.from(value.float32());
  if (Array.isArray(value) && value.every((one) => typeof one === 'number'))
    return Float64Array.from(value as number[]);
  throw new InputError('gym', `${name} is no list of numbers, and no numpy array of one dimension.`);
}
