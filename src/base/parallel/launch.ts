import { InputError } from '../errors.ts';

/** This process is one of several that a launcher has started. */
export interface Launch {
  /** The program that started them, as a person calls it. */
  readonly by: 'mpirun' | 'srun';
  readonly rank: number;
  readonly size: number;
  /** File names of the MPI library, the likeliest first. */
  readonly libraries: readonly string[];
}

const OPEN_MPI = ['libmpi.so.40', 'libmpi.40.dylib'] as const;
const MPICH = ['libmpi.so.12', 'libmpich.so.12', 'libmpi.12.dylib'] as const;
const ANY = ['libmpi.so', 'libmpi.dylib'] as const;

/** What the launchers tell: Open MPI's mpirun, MPICH's (and those of its kin), srun. */
const LAUNCHERS: readonly [by: Launch['by'], size: string, rank: string, libraries: readonly string[]][] = [
  ['mpirun', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_RANK', [...OPEN_MPI, ...ANY]],
  ['srun', 'SLURM_STEP_NUM_TASKS', 'SLURM_PROCID', [...OPEN_MPI, ...MPICH, ...ANY]],
  ['mpirun', 'PMI_SIZE', 'PMI_RANK', [...MPICH, ...OPEN_MPI, ...ANY]],
];

/**
 * What has started this process with others; null when nothing has, or it is alone. The script of an `sbatch` is no
 * rank, though it sees the job's number of tasks. `VALET_MPI_LIBRARY` names the library.
 * @throws InputError when the launcher's numbers make no sense
 */
export function launchOf(environment: NodeJS.ProcessEnv = process.env): Launch | null {
  for (const [by, sizeName, rankName, known] of LAUNCHERS) {
    const size = environment[sizeName];
    if (size === undefined) continue;
    const [count, rank] = [Number(size), Number(environment[rankName])];
    if (!(Number.isInteger(count) && Number.isInteger(rank) && rank >= 0 && rank < count))
      throw new InputError(
        by,
        `${sizeName}=${size} and ${rankName}=${environment[rankName]} are no rank. Start again, or unset both.`,
      );
    if (count === 1) return null;
    const named = environment['VALET_MPI_LIBRARY'];
    return { by, rank, size: count, libraries: named ? [named] : known };
  }
  return null;
}
