export { evaluatePerturbed } from './evaluatePerturbed.ts';
export { type Robustness, robustness, robustnessLine } from './robustness.ts';
