import { matrixAt, vectorAt } from '../world/index.ts';
import { atRest, geomsOf, looseObjects, settlePoses } from './objects.ts';
import { atLevel, type Perturbation } from './perturbation.ts';

/** Objects are larger or smaller than any that was shown. */
export const objectSize: Perturbation = {
  axis: 'object-size',
  about: 'objects that a hand may take are smaller or larger; their mass stays',
  levels: ['± 10 %', '± 20 %', '± 30 %'],
  begin({ household, level, random, strike }) {
    const change = atLevel(level, [0.1, 0.2, 0.3]);
    return {
      proposed: { change },
      scene() {
        const { physics } = household;
        const objects = looseObjects(household);
        const addresses = objects.map(({ position }) => position);
        settlePoses(household);
        let count = 0;
        for (const { body, position, name } of objects) {
          const factor = 1 + (random.uniform() < 0.5 ? -change : change);
          const geom = physics.id('geom', name);
          const low = lowest(geom);
          scale(body, factor);
          settlePoses(household);
          const lift = low - lowest(geom);
          const { qpos } = physics.views;
          qpos[position + 2] = (qpos[position + 2] as number) + lift;
          settlePoses(household);
          if (atRest(household, addresses)) count++;
          else {
            scale(body, 1 / factor);
            physics.views.qpos[position + 2] = (physics.views.qpos[position + 2] as number) - lift;
            settlePoses(household);
          }
        }
        household.shapesChanged();
        if (count > 0) strike({ objects: count });
      },
    };

    /** Height of a geom's lowest point, metres: sphere, capsule, ellipsoid, cylinder or box. */
    function lowest(geom: number): number {
      const { model, views } = household.physics;
      const [a, b, c] = vectorAt(views.geomSize, geom);
      const [, , , , , , x, y, z] = matrixAt(views.geomMatrix, geom);
      const type = model.geom_type[geom];
      const down =
        type === 2
          ? a
          : type === 3
            ? a + b * Math.abs(z)
            : type === 4
              ? Math.hypot(a * x, b * y, c * z)
              : type === 5
                ? a * Math.hypot(x, y) + b * Math.abs(z)
                : a * Math.abs(x) + b * Math.abs(y) + c * Math.abs(z);
      return vectorAt(views.geomPosition, geom)[2] - down;
    }

    function scale(body: number, factor: number): void {
      const { geomSize, geomLocalPosition, geomBound } = household.physics.views;
      for (const g of geomsOf(household, body)) {
        for (let k = 3 * g; k < 3 * g + 3; k++) {
          geomSize[k] = (geomSize[k] as number) * factor;
          geomLocalPosition[k] = (geomLocalPosition[k] as number) * factor;
        }
        geomBound[g] = (geomBound[g] as number) * factor;
      }
    }
  },
};
