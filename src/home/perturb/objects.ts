import { distance, type Household, vectorAt } from '../world/index.ts';

/** What perturbations ask of a scene: which bodies are loose, which carry the work. */

/** Geoms that are the robot's own. */
export function robotGeoms({ physics }: Household): Set<number> {
  const { model } = physics;
  const root = model.body_rootid[physics.id('body', 'base')];
  const bodies: Int32Array = model.geom_bodyid;
  return new Set([...bodies.keys()].filter((g) => model.body_rootid[bodies[g] as number] === root));
}

/** The objects that a hand may take: name, body, and where their position stands in qpos. */
export function looseObjects({ physics, task }: Household) {
  const { model } = physics;
  return task.graspable
    .map((name) => ({ name, body: physics.id('body', name) }))
    .filter(({ body }) => model.jnt_type[model.body_jntadr[body]] === 0 /* mjJNT_FREE */)
    .map(({ name, body }) => {
      const joint = model.body_jntadr[body];
      return { name, body, position: model.jnt_qposadr[joint] as number, velocity: model.jnt_dofadr[joint] as number };
    });
}

/** Geoms of a body itself. */
export function geomsOf({ physics }: Household, body: number): number[] {
  const bodies: Int32Array = physics.model.geom_bodyid;
  return [...bodies.keys()].filter((g) => bodies[g] === body);
}

/** The body, standing in the room by itself, that carries what is to be handled next; -1 when it is the robot. */
export function carrierOfWork(household: Household): number {
  const { physics } = household;
  const { model, views } = physics;
  const target = household.situation().target;
  const own = robotGeoms(household);
  const bodies: Int32Array = model.geom_bodyid;
  let best = -1;
  let nearest = Number.POSITIVE_INFINITY;
  for (let g = 0; g < bodies.length; g++) {
    if (own.has(g) || bodies[g] === 0 || model.geom_contype[g] === 0) continue;
    const away = distance(vectorAt(views.geomPosition, g), target);
    if (away < nearest) [best, nearest] = [model.body_rootid[bodies[g] as number] as number, away];
  }
  return best;
}

/** Substeps for which something must stay where it was put, a quarter of a second; and how far it may sink. */
const REST = 30;
const SINK = 0.008;

/**
 * Whether loose objects stay where they stand. Looks ahead with a copy of the state.
 * @param addresses of their positions in qpos
 */
export function atRest(household: Household, addresses: readonly number[]): boolean {
  const { physics } = household;
  const before = physics.views.qpos.slice();
  const later = physics.foresee(REST);
  const place = (qpos: Float64Array, at: number) => vectorAt(qpos.subarray(at, at + 3), 0);
  return addresses.every((at) => distance(place(before, at), place(later, at)) < SINK);
}

/** Poses of everything from the joint positions, so that situations and gaps can be asked for. */
export const settlePoses = ({ physics }: Household): void => physics.mujoco.mj_forward(physics.model, physics.data);
