import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Communicator, type Launch, MpiRanks, type SharedRanks, ThreadRanks } from '../../base/index.ts';

/** How a rank comes to the others: started by a launcher, or as a thread of this process. */
export type JoinOptions = { readonly launch: Launch } | { readonly threads: SharedRanks; readonly rank: number };

/** What a rank learns of the others when it joins them. */
export interface Joined {
  readonly rank: number;
  readonly size: number;
  /** What carries their messages, in words. */
  readonly by: string;
  /** Ranks on this machine, this one too. */
  readonly here: number;
  /** Ranks that may use the same processors as this one, this one too. */
  readonly sharing: number;
}

/** Joins the ranks; all of them call it. It blocks until they have come. */
export async function join(options: JoinOptions): Promise<{ communicator: Communicator; joined: Joined }> {
  const mpi = 'launch' in options ? await MpiRanks.open(options.launch) : undefined;
  const communicator = mpi ?? new ThreadRanks((options as { threads: SharedRanks }).threads, rankOf(options));
  const by = mpi && 'launch' in options ? `${options.launch.by}, ${shortVersion(mpi.version)}` : 'threads';
  const [host, processors] = [hostname(), allowedProcessors()];
  const { rank, size } = communicator;
  const joined = {
    ...{ rank, size, by },
    here: equals(communicator, host),
    sharing: equals(communicator, `${host} ${processors}`),
  };
  return { communicator, joined };
}

const rankOf = (options: JoinOptions): number => ('launch' in options ? options.launch.rank : options.rank);

/** How many ranks have the same text. */
function equals(communicator: Communicator, text: string): number {
  const own = numberOf(text);
  return everyones(communicator, own).filter((number) => number === own).length;
}

/** One number of each rank, by rank. */
export function everyones(communicator: Communicator, own: number): number[] {
  const numbers = new Float64Array(communicator.size);
  numbers[communicator.rank] = own;
  communicator.allReduce(numbers);
  return [...numbers];
}

/** 48 bits of the text's SHA-256, exact as a float64. */
export const numberOf = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, 6);

/** The processors that this process may use, as the system lists them; empty where it does not. */
function allowedProcessors(): string {
  try {
    return /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}

/** `Open MPI v4.1.4`, `MPICH Version: 4.0.2`: what stands before the first comma. */
const shortVersion = (version: string): string => version.split(',')[0] ?? version;
