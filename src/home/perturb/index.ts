export { PERTURBATION_AXES, PERTURBATIONS } from './axes.ts';
export {
  type PerturbationRecord,
  type PerturbationSpec,
  parsePerturbations,
  perturbationName,
} from './perturbation.ts';
export { openPerturbed, PerturbedHousehold } from './perturbedHousehold.ts';
