/** Ranks that train together: how they join, agree, and are told what comes. Knows nothing of networks or data. */
export { leadRanks, nextCommand, type RankCommand } from './command.ts';
export { everyones, type JoinOptions, join } from './join.ts';
export { Ranks, type Tell } from './ranks.ts';
