import { Random } from '../../base/index.ts';
import { layoutOfLength } from '../../robot/index.ts';
import { atLevel, type Perturbation } from './perturbation.ts';

/** Of a velocity (1/s) for one of a position. */
const OF_VELOCITIES = 5;

/** Normal noise on everything that is measured, anew at each step. */
export const sensorNoise: Perturbation = {
  axis: 'sensor-noise',
  about: 'normal noise on joints, hand poses and velocities, and on every byte of the pictures',
  levels: [
    '0.5 cm or 0.005 rad, 4 grey levels',
    '1 cm or 0.01 rad, 10 grey levels',
    '2 cm or 0.02 rad, 25 grey levels',
  ],
  begin({ household, level, seed, strike }) {
    const size = atLevel(level, [0.005, 0.01, 0.02]);
    const grey = atLevel(level, [4, 10, 25]);
    return {
      proposed: { size, grey },
      measure(clean) {
        const random = Random.of(seed, 'measure', household.steps);
        const noisy = clean.slice();
        for (const [name, [start, end]] of Object.entries(layoutOfLength(household.robot, clean.length).fields ?? {})) {
          const scale = /vel$/.test(name) ? OF_VELOCITIES * size : /effort|_cos$|_sin$/.test(name) ? 0 : size;
          for (let at = start; at < end; at++) noisy[at] = (noisy[at] as number) + scale * random.normal();
        }
        strike({ size });
        return noisy;
      },
      picture(camera, picture) {
        const shown = picture();
        const random = Random.of(seed, camera, household.steps);
        const data = Uint8Array.from(shown.data, (byte) => Math.max(0, Math.min(255, byte + grey * random.normal())));
        return { ...shown, data };
      },
    };
  },
};
