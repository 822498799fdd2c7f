import { multiply, type Quaternion, yawQuaternion } from '../world/index.ts';
import { atRest, carrierOfWork, looseObjects, settlePoses } from './objects.ts';
import { atLevel, type Perturbation } from './perturbation.ts';

/** Draws until one holds. */
const ATTEMPTS = 20;

/** What is to be handled stands elsewhere than the instance has it, and turned. */
export const objectPose: Perturbation = {
  axis: 'object-pose',
  about: 'what is to be handled stands elsewhere, and turned about the vertical',
  levels: ['3 cm, up to 15°', '6 cm, up to 45°', '10 cm, up to 90°'],
  begin({ household, level, random, strike }) {
    const metres = atLevel(level, [0.03, 0.06, 0.1]);
    const degrees = atLevel(level, [15, 45, 90]);
    const draw = () => {
      const towards = random.between(0, 2 * Math.PI);
      const turned = (random.between(-degrees, degrees) * Math.PI) / 180;
      return { x: metres * Math.cos(towards), y: metres * Math.sin(towards), turn: yawQuaternion(turned) };
    };
    /** Moves a pose: 7 numbers, or a place and a quaternion of their own. */
    const moved = (place: Float64Array, at: number, rotation: Float64Array, from: number) => {
      const { x, y, turn } = draw();
      const now = [0, 1, 2, 3].map((k) => rotation[from + k]) as unknown as Quaternion;
      place.set([(place[at] as number) + x, (place[at + 1] as number) + y], at);
      rotation.set(multiply(turn, now), from);
    };
    return {
      proposed: { metres, degrees },
      scene() {
        const { physics } = household;
        const objects = looseObjects(household);
        const addresses = objects.map(({ position }) => position);
        let count = 0;
        for (const { position } of objects)
          for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
            const { qpos } = physics.views;
            const before = qpos.slice(position, position + 7);
            moved(qpos, position, qpos, position + 3);
            if (atRest(household, addresses)) {
              count++;
              break;
            }
            physics.views.qpos.set(before, position);
          }
        if (objects.length === 0) {
          settlePoses(household);
          const body = carrierOfWork(household);
          if (body >= 0) {
            const { bodyPosition, bodyQuaternion } = physics.views;
            moved(bodyPosition, 3 * body, bodyQuaternion, 4 * body);
            count++;
          }
        }
        if (count > 0) strike({ moved: count });
      },
    };
  },
};
