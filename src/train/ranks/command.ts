import { type Communicator, ValetError } from '../../base/index.ts';

/** What rank 0 is about to do, and the others do with it. Nothing else tells them when. */
export type RankCommand =
  | { readonly method: 'step'; readonly learningRate: number; readonly normLimit?: number; readonly read?: object }
  | { readonly method: 'whole'; readonly kind: 'm' | 'v' | 'ema' }
  | { readonly method: 'end' };

const BYTES = 1024;

/** On rank 0: tells the others what comes; they wait in `nextCommand`. On others, and for one alone, nothing. */
export function leadRanks(communicator: Communicator | undefined, command: RankCommand): void {
  if (!communicator || communicator.size === 1 || communicator.rank > 0) return;
  const text = JSON.stringify(command);
  const bytes = new Uint8Array(BYTES);
  if (new TextEncoder().encodeInto(text, bytes).read < text.length)
    throw new ValetError('ranks', `a command is too long: ${text}`);
  communicator.broadcast(bytes);
}

/** On the other ranks: waits for rank 0. */
export function nextCommand(communicator: Communicator): RankCommand {
  const bytes = new Uint8Array(BYTES);
  communicator.broadcast(bytes);
  const text = new TextDecoder().decode(bytes);
  return JSON.parse(text.slice(0, text.indexOf('\0'))) as RankCommand;
}
