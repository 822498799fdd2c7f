/** Of `--environments`, alike in every command that has it. */
export const ENVIRONMENTS_HELP = 'episodes side by side in each thread, whose plans share a pass of the network';
