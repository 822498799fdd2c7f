/** The inner loops of the chunk statistics (src/action/statistics). Pointers are byte offsets, sizes numbers. */
export { addExact, addIntegers, carry, highSplitter, lowSplitter } from './exact';
export { outer } from './edges';
export { gram, half, moments, prepare, range } from './rows';
export { fft, loadSeries, separate } from './fourier';
export { cross } from './spectra';
export { countFour, countOne } from './counts';
export { tails } from './tails';
