import { TIMESTEP } from './controllers.ts';
import { touchSensors, wideSensors } from './hands.ts';
import type { Physics } from './mujoco.ts';
import {
  HOUSEHOLD_ROBOT,
  robotActuators,
  robotBodies,
  robotDefaults,
  robotEqualities,
  robotTendons,
  SIDES,
} from './robot.ts';
import { room } from './scenery.ts';
import type { HomeTask } from './task.ts';

/** The whole scene in MJCF, with further bodies after all others. Solver settings as measured in docs/simulator.md. */
export function sceneXml(task: HomeTask, bodies = ''): string {
  return `<mujoco model="${task.name}">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="${TIMESTEP}" integrator="implicitfast" solver="Newton" cone="elliptic" impratio="1" iterations="20" ls_iterations="20"/>
  <size memory="4M"/>
  <default>
    <geom solref=".0167 1" friction=".9 .01 .0005"/>
    <default class="decoration"><geom contype="0" conaffinity="0" mass="0" group="2"/></default>
    ${robotDefaults}
  </default>
  <worldbody>
    ${room}
    ${task.bodies}
    ${robotBodies}${bodies}
    <camera name="overview" pos="-1.5 -1.75 1.95" xyaxes=".72 -.69 0 .38 .4 .83" fovy="50"/>
  </worldbody>
  <contact>${task.excluded.map(([a, b]) => `<exclude body1="${a}" body2="${b}"/>`).join('')}</contact>
  <tendon>${robotTendons}</tendon>
  <equality>${robotEqualities(task.graspable[0] ?? 'sofa')}</equality>
  <actuator>${robotActuators}</actuator>
  <sensor>${touchSensors(SIDES, task.graspable)}${wideSensors(SIDES, task.wide ?? [])}${task.sensors}</sensor>
</mujoco>`;
}

export type ShapeName = 'plane' | 'sphere' | 'capsule' | 'ellipsoid' | 'cylinder' | 'box';
const SHAPES: Readonly<Record<number, ShapeName>> = {
  0: 'plane',
  2: 'sphere',
  3: 'capsule',
  4: 'ellipsoid',
  5: 'cylinder',
  6: 'box',
};

/**
 * All that a viewer needs to draw an episode from its pose track. Lengths in metres, quaternions wxyz, colours RGBA in
 * 0…1.
 */
export interface SceneDescription {
  readonly framesPerSecond: number;
  readonly bodies: readonly { readonly name: string; readonly position: number[]; readonly quaternion: number[] }[];
  /** Indices of the bodies that move: the order of `Household.pose()`. */
  readonly moving: readonly number[];
  /** Sizes are MuJoCo's half sizes; position and quaternion are relative to the geom's body. */
  readonly geoms: readonly {
    readonly shape: ShapeName;
    readonly body: number;
    readonly size: number[];
    readonly position: number[];
    readonly quaternion: number[];
    readonly colour: number[];
  }[];
  readonly cameras: readonly {
    readonly name: string;
    readonly body: number;
    readonly position: number[];
    readonly quaternion: number[];
    readonly fovyDegrees: number;
  }[];
}

/** Bodies that can move, in the model's order. */
export function movingBodies({ model }: Physics): number[] {
  const weld: Int32Array = model.body_weldid;
  return Array.from(weld, (_, body) => body).filter((body) => weld[body] !== 0);
}

export function describeScene(physics: Physics): SceneDescription {
  const { model: m, views, mujoco } = physics;
  const name = (kind: { value: number }, id: number) => mujoco.mj_id2name(m, kind.value, id) ?? '';
  const row = (array: ArrayLike<number>, index: number, width: number) =>
    Array.from({ length: width }, (_, k) => Number((array[width * index + k] as number).toFixed(5)));
  const types: Int32Array = m.geom_type;
  const indices = (count: number) => Array.from({ length: count }, (_, i) => i);
  return {
    framesPerSecond: HOUSEHOLD_ROBOT.rate,
    bodies: indices(m.nbody).map((b) => ({
      name: name(mujoco.mjtObj.mjOBJ_BODY, b),
      position: row(views.xpos, b, 3),
      quaternion: row(views.xquat, b, 4),
    })),
    moving: movingBodies(physics),
    geoms: indices(m.ngeom).map((g) => ({
      shape: SHAPES[types[g] as number] as ShapeName,
      body: m.geom_bodyid[g],
      size: row(m.geom_size, g, 3),
      position: row(m.geom_pos, g, 3),
      quaternion: row(m.geom_quat, g, 4),
      colour: row(views.geomColour, g, 4),
    })),
    cameras: indices(m.ncam).map((c) => ({
      name: name(mujoco.mjtObj.mjOBJ_CAMERA, c),
      body: m.cam_bodyid[c],
      position: row(m.cam_pos, c, 3),
      quaternion: row(m.cam_quat, c, 4),
      fovyDegrees: m.cam_fovy[c],
    })),
  };
}
