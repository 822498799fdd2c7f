export { createExpert, type Expert } from './createExpert.ts';
export { Motion, type Zone } from './motion.ts';
