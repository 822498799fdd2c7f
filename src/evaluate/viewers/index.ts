export { rolloutMcap } from './rolloutMcap.ts';
