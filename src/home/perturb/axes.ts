import { camera } from './camera.ts';
import { blackCamera, frozenCamera } from './cameraFaults.ts';
import { clutter } from './clutter.ts';
import { colours } from './colours.ts';
import { gripperSlip } from './gripperSlip.ts';
import { heldActions } from './heldActions.ts';
import { knock } from './knock.ts';
import { latency } from './latency.ts';
import { light } from './light.ts';
import { objectPose } from './objectPose.ts';
import { objectSize } from './objectSize.ts';
import type { Perturbation, PerturbationSpec } from './perturbation.ts';
import { push } from './push.ts';
import { sensorNoise } from './sensorNoise.ts';

/** Every axis, in the order in which they act: the scene, then the commands, then events, then the senses. */
export const PERTURBATIONS: readonly Perturbation[] = [
  light,
  colours,
  camera,
  objectPose,
  objectSize,
  clutter,
  latency,
  heldActions,
  gripperSlip,
  push,
  knock,
  frozenCamera,
  blackCamera,
  sensorNoise,
];

/** The names of all axes. */
export const PERTURBATION_AXES: readonly string[] = PERTURBATIONS.map(({ axis }) => axis);

/** Specs with their perturbations, in the order of the axes. */
export const inOrder = (specs: readonly PerturbationSpec[]) =>
  PERTURBATIONS.flatMap((perturbation) => {
    const spec = specs.find(({ axis }) => axis === perturbation.axis);
    return spec ? [{ perturbation, spec }] : [];
  });
