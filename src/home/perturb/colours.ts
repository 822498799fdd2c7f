import { robotGeoms } from './objects.ts';
import { atLevel, type Perturbation } from './perturbation.ts';

/** Every body of the room but the robot gets another colour mixed in. */
export const colours: Perturbation = {
  axis: 'colours',
  about: 'furniture, walls, floor and objects have another colour mixed in, each body its own',
  levels: ['a fifth of another colour', 'two fifths', 'three fifths'],
  begin({ household, level, random, strike }) {
    const share = atLevel(level, [0.2, 0.4, 0.6]);
    return {
      proposed: { share },
      scene() {
        const { model, views } = household.physics;
        const own = robotGeoms(household);
        const mixed = new Map<number, readonly number[]>();
        const bodies: Int32Array = model.geom_bodyid;
        for (let g = 0; g < bodies.length; g++) {
          if (own.has(g)) continue;
          // The world's own geoms, walls and floor, are one by one.
          const key = bodies[g] === 0 ? -1 - g : (model.body_rootid[bodies[g] as number] as number);
          const colour = mixed.get(key) ?? [random.uniform(), random.uniform(), random.uniform()];
          mixed.set(key, colour);
          for (let k = 0; k < 3; k++) {
            const at = 4 * g + k;
            views.geomColour[at] = (1 - share) * (views.geomColour[at] as number) + share * (colour[k] as number);
          }
        }
        strike({ bodies: mixed.size });
      },
    };
  },
};
