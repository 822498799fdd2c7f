export { evaluatePerturbed } from './evaluatePerturbed.ts';
export { robustnessLine } from './robustness.ts';
