/** The inner loops of the chunk statistics (src/action/statistics). Pointers are byte offsets, sizes numbers. */
export { addExact, addIntegers, carry, highSplitter, lowSplitter } from './exact';
export { outer } from './edges';
export { moments, range } from './rows';
export { gram, half, prepare } from './series';
export { fft, loadSeries } from './fourier';
export { separate } from './separate';
export { cross } from './spectra';
export { countFour, countOne } from './counts';
export { tails } from './tails';
