export { attentionFigure } from './attention.ts';
export { columnWords, words } from './columns.ts';
export { compressionFigure } from './compression.ts';
export { correlationFigure } from './correlation.ts';
export { inpaintedPlan, inpaintingFigure } from './inpainting.ts';
export { mixingFigure } from './mixing.ts';
export { motionFigure } from './motion.ts';
export { readSteps, stagesFigure } from './stages.ts';
