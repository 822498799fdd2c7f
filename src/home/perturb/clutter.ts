import { atRest, looseObjects, settlePoses } from './objects.ts';
import { atLevel, type Level, type Perturbation } from './perturbation.ts';

const COUNTS = [2, 4, 8] as const;
/** Metres from what is to be handled. */
const RING = [0.12, 0.35] as const;
const ATTEMPTS = 30;

/** Half sizes in metres, and the height of the middle above what it stands on. */
const SHAPES = [
  { type: 'box', size: '.025 .035 .03', height: 0.03 },
  { type: 'cylinder', size: '.03 .04', height: 0.04 },
  { type: 'box', size: '.05 .03 .015', height: 0.015 },
  { type: 'cylinder', size: '.022 .06', height: 0.06 },
] as const;
const COLOURS = ['.2 .45 .8 1', '.85 .7 .2 1', '.3 .6 .35 1', '.6 .35 .65 1'] as const;
const shapeOf = (i: number) => SHAPES[i % SHAPES.length] as (typeof SHAPES)[number];
const nameOf = (i: number) => `clutter_${i}`;

/** Things that have nothing to do with the task stand around what is to be handled, and can be pushed about. */
export const clutter: Perturbation = {
  axis: 'clutter',
  about: 'loose things of other shapes and colours stand around what is to be handled',
  levels: ['2 things', '4 things', '8 things'],
  bodies: (level: Level) =>
    Array.from({ length: atLevel(level, COUNTS) }, (_, i) => {
      const { type, size } = shapeOf(i);
      const colour = COLOURS[i % COLOURS.length];
      // Until an episode places it, it lies behind the walls.
      return `<body name="${nameOf(i)}" pos="-6 ${i - 4} .1"><freejoint name="${nameOf(i)}"/>
      <geom name="${nameOf(i)}" type="${type}" size="${size}" mass=".15" rgba="${colour}"/></body>`;
    }).join(''),
  begin({ household, level, random, strike }) {
    const count = atLevel(level, COUNTS);
    return {
      proposed: { things: count },
      scene() {
        const { physics } = household;
        settlePoses(household);
        const [tx, ty, tz] = household.situation().target;
        const own = looseObjects(household).map(({ position }) => position);
        const placed: number[] = [];
        for (let i = 0; i < count; i++) {
          const address = physics.positionAddress(nameOf(i));
          const parked = physics.views.qpos.slice(address, address + 7);
          for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
            const away = random.between(...RING);
            const towards = random.between(0, 2 * Math.PI);
            const turned = random.between(0, Math.PI);
            const [x, y] = [tx + away * Math.cos(towards), ty + away * Math.sin(towards)];
            const under = supportAt(x, y, tz + 0.05);
            if (under === undefined || Math.abs(under - tz) > 0.3) continue;
            const { qpos } = physics.views;
            const pose = [x, y, under + shapeOf(i).height + 0.001, Math.cos(turned), 0, 0, Math.sin(turned)];
            qpos.set(pose, address);
            if (atRest(household, [...own, ...placed, address])) {
              placed.push(address);
              break;
            }
            physics.views.qpos.set(parked, address);
          }
        }
        if (placed.length > 0) strike({ things: placed.length });
      },
    };

    /** Height of the first thing that stands still below a point; undefined where a loose one or the robot is. */
    function supportAt(x: number, y: number, z: number): number | undefined {
      const { mujoco, model, data } = household.physics;
      const geom = new mujoco.IntBuffer(1);
      try {
        const away = mujoco.mj_ray(
          model,
          data,
          [x, y, z],
          [0, 0, -1],
          null as unknown as number[],
          true,
          -1,
          geom,
          null,
        );
        const [hit = -1] = geom.GetView();
        if (hit < 0 || away < 0 || model.body_weldid[model.geom_bodyid[hit]] !== 0) return undefined;
        return model.geom_contype[hit] === 0 ? undefined : z - away;
      } finally {
        geom.delete();
      }
    }
  },
};
