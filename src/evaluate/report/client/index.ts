import { DETAILS } from './details.ts';
import { LIST } from './list.ts';
import { LOAD } from './load.ts';
import { MAIN } from './main.ts';
import { PLAYER } from './player.ts';
import { SYNC } from './sync.ts';
import { THEME } from './theme.ts';

/**
 * The page's program. It is text because it runs in the reader's browser, as one module, beside the data in the page;
 * nothing is fetched from a network.
 */
export const CLIENT = [THEME, LOAD, PLAYER, DETAILS, LIST, SYNC, MAIN].join('\n');
