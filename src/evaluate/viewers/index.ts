export { rolloutMcap } from './rolloutMcap.ts';
export { episodeMcap, sessionMcap } from './sources.ts';
