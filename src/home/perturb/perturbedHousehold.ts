import { Random } from '../../base/index.ts';
import type { Observation, Picture, Robot } from '../../robot/index.ts';
import { openHousehold } from '../tasks/index.ts';
import type { HomeTask, Household, HouseholdOptions, StepOutcome } from '../world/index.ts';
import { inOrder } from './axes.ts';
import {
  type Facts,
  type Fault,
  type PerturbationRecord,
  type PerturbationSpec,
  withPictures,
} from './perturbation.ts';

/** A fault of the episode with what has become of it. */
interface Running {
  readonly spec: PerturbationSpec;
  readonly fault: Fault;
  struck: number | null;
  executed: Facts;
}

/**
 * A household in which things go wrong: the same tasks, instances and scores. What goes wrong follows from task,
 * instance, axis and level alone, so that every policy meets the same faults.
 */
export class PerturbedHousehold {
  readonly robot: Robot;
  private readonly pristine: () => void;
  private running: Running[] = [];
  private played: Float32Array = new Float32Array(0);

  /** @param household opened by `openPerturbed`: it holds the bodies that the perturbations need */
  constructor(
    readonly household: Household,
    private readonly specs: readonly PerturbationSpec[],
  ) {
    this.robot = household.robot;
    this.pristine = remember(household);
  }

  get maxSteps(): number {
    return this.household.maxSteps;
  }
  get steps(): number {
    return this.household.steps;
  }

  reset(instance: number): void {
    const { household } = this;
    this.pristine();
    this.running = [];
    household.reset(instance, () => {
      for (const { perturbation, spec } of inOrder(this.specs)) {
        const { axis, level } = spec;
        const seed = ['perturb', household.task.name, instance, axis, level].join('/');
        const strike = (executed: Facts = {}) => {
          running.struck ??= household.steps;
          running.executed = { ...running.executed, ...executed };
        };
        const random = Random.of(seed);
        const fault = perturbation.begin({ household, level, random, seed, strike });
        const running: Running = { spec, fault, struck: null, executed: {} };
        // A step count of the last episode means nothing to this one.
        this.running.push(running);
        fault.scene?.();
        if (running.struck !== null) running.struck = 0;
      }
    });
  }

  /** What the robot senses, through the faults. Pictures are drawn when somebody looks. */
  observation(): Observation {
    const clean = this.household.observation();
    let { proprioception } = clean;
    for (const { fault } of this.running) proprioception = fault.measure?.(proprioception) ?? proprioception;
    return withPictures({ ...clean, proprioception }, (camera, picture) => {
      for (const { fault } of this.running) fault.looked?.(camera);
      return this.seen(camera, picture);
    });
  }

  /** What one camera gives now; nobody is taken to have looked. */
  cameraPicture(camera: string): Picture {
    return this.seen(camera, () => this.household.cameraPicture(camera));
  }

  step(action: ArrayLike<number>): StepOutcome {
    let played: Float32Array = Float32Array.from(action);
    for (const { fault } of this.running) played = fault.command?.(played) ?? played;
    this.played = played;
    for (const { fault } of this.running) fault.before?.();
    const outcome = this.household.step(played);
    for (const { fault } of this.running) fault.after?.();
    return outcome;
  }

  /** The action that was played last in place of the one that was sent, [width]. */
  get executed(): Float32Array {
    return this.played;
  }

  /** What the perturbations have come to in this episode. */
  perturbations(): PerturbationRecord[] {
    return this.running.map(({ spec, fault: { proposed }, struck, executed }) => ({
      ...spec,
      proposed,
      struck,
      executed,
    }));
  }

  q(): number {
    return this.household.q();
  }
  distances(): ReturnType<Household['distances']> {
    return this.household.distances();
  }
  goal(): ReturnType<Household['goal']> {
    return this.household.goal();
  }

  private seen(camera: string, picture: () => Picture): Picture {
    return this.running.reduce<() => Picture>((clean, { fault }) => {
      const { picture: changed } = fault;
      return changed ? () => changed.call(fault, camera, clean) : clean;
    }, picture)();
  }
}

/** A task's household with what the perturbations need in it. The caller closes it. */
export async function openPerturbed(
  task: string | HomeTask,
  specs: readonly PerturbationSpec[],
  options: HouseholdOptions = {},
): Promise<PerturbedHousehold> {
  const bodies = inOrder(specs).map(({ perturbation, spec }) => perturbation.bodies?.(spec.level) ?? '');
  return new PerturbedHousehold(await openHousehold(task, { ...options, bodies: bodies.join('') }), specs);
}

/** Parts of the model that perturbations change. @returns what puts them back as they are now */
function remember(household: Household): () => void {
  const names = [
    'geomColour',
    'geomSize',
    'geomLocalPosition',
    'geomBound',
    'bodyPosition',
    'bodyQuaternion',
    'cameraLocalPosition',
    'cameraQuaternion',
  ] as const;
  const { views } = household.physics;
  const saved = names.map((name) => ({ name, values: views[name].slice() }));
  return () => {
    const now = household.physics.views;
    const resized = saved.some(({ name, values }) => name === 'geomSize' && now[name].some((v, i) => v !== values[i]));
    for (const { name, values } of saved) now[name].set(values);
    household.light = undefined;
    if (resized) household.shapesChanged();
  };
}
