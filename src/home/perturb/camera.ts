import { multiply, type Quaternion } from '../world/index.ts';
import { atLevel, type Perturbation } from './perturbation.ts';

/** The robot's cameras were mounted a little differently. */
export const camera: Perturbation = {
  axis: 'camera',
  about: "each of the robot's cameras is mounted elsewhere and turned",
  levels: ['1 cm, 1.5°', '2 cm, 3°', '4 cm, 6°'],
  begin({ household, level, random, strike }) {
    const metres = atLevel(level, [0.01, 0.02, 0.04]);
    const degrees = atLevel(level, [1.5, 3, 6]);
    return {
      proposed: { metres, degrees },
      scene() {
        const { physics, robot } = household;
        const { cameraLocalPosition: position, cameraQuaternion: quaternion } = physics.views;
        for (const name of robot.cameraNames) {
          const id = physics.id('camera', name);
          const way = direction();
          for (let k = 0; k < 3; k++)
            position[3 * id + k] = (position[3 * id + k] as number) + metres * (way[k] as number);
          const [x, y, z] = direction();
          const half = (degrees * Math.PI) / 360;
          const s = Math.sin(half);
          const now = [0, 1, 2, 3].map((k) => quaternion[4 * id + k]) as unknown as Quaternion;
          quaternion.set(multiply(now, [Math.cos(half), s * x, s * y, s * z]), 4 * id);
        }
        strike({ cameras: robot.cameraNames.length });
      },
    };

    /** Uniform on the sphere. */
    function direction(): readonly [number, number, number] {
      const [x, y, z] = [random.normal(), random.normal(), random.normal()];
      const length = Math.hypot(x, y, z);
      return [x / length, y / length, z / length];
    }
  },
};
