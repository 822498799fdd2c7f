/** The network of a golden case, for tests of layers above verify/. */
export { configOfGoldenCase } from '../../src/verify/networkConfig.ts';
