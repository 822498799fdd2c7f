import type { Picture } from '../../robot/index.ts';
import { atLevel, eventStep, type FaultContext, type Perturbation } from './perturbation.ts';

const LEVELS = ['one camera, 1 s', 'every camera, 2 s', 'every camera, 6 s'] as const satisfies Perturbation['levels'];

/** Which cameras fail, and when. */
function outage({ household, level, random }: FaultContext) {
  const { cameraNames, rate } = household.robot;
  const one = cameraNames[random.integer(cameraNames.length)] as string;
  const cameras = level === 1 ? [one] : cameraNames;
  const from = eventStep(random, household);
  const steps = Math.round(rate * atLevel(level, [1, 2, 6]));
  const fails = (camera: string) =>
    cameras.includes(camera) && household.steps >= from && household.steps < from + steps;
  return { from, fails, proposed: { from, steps, cameras: cameras.join(' ') } };
}

/** Cameras go on showing what they showed when they failed. It strikes when the policy looks. */
export const frozenCamera: Perturbation = {
  axis: 'frozen-camera',
  about: 'once, cameras go on for a while showing the picture that they showed last',
  levels: LEVELS,
  begin(context) {
    const { household, strike } = context;
    const { from, fails, proposed } = outage(context);
    const last = new Map<string, Picture>();
    return {
      proposed,
      picture(camera, picture) {
        if (!fails(camera)) return picture();
        return last.get(camera) ?? picture();
      },
      looked: (camera) => void (fails(camera) && strike({ from })),
      before() {
        if (household.steps + 1 === from)
          for (const camera of household.robot.cameraNames) last.set(camera, household.cameraPicture(camera));
      },
    };
  },
};

/** Cameras give black pictures. It strikes when the policy looks. */
export const blackCamera: Perturbation = {
  axis: 'black-camera',
  about: 'once, cameras give black pictures for a while',
  levels: LEVELS,
  begin(context) {
    const { from, fails, proposed } = outage(context);
    return {
      proposed,
      picture(camera, picture) {
        const shown = picture();
        return fails(camera) ? { ...shown, data: new Uint8Array(shown.data.length) } : shown;
      },
      looked: (camera) => void (fails(camera) && context.strike({ from })),
    };
  },
};
