export { Motion, type Zone } from './motion.ts';
