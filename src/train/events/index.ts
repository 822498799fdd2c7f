/** What a run looks like while it trains: losses by part and task, norms, histograms, pictures; for TensorBoard. */
export { RunEvents } from './runEvents.ts';
