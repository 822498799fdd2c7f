import { describe, expect, it } from 'vitest';
import { launchOf } from './launch.ts';

describe('launchOf', () => {
  it('sees what Open MPI, MPICH and srun have started', () => {
    expect(launchOf({ OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_RANK: '3' })).toMatchObject({
      ...{ by: 'mpirun', rank: 3, size: 4 },
      libraries: expect.arrayContaining(['libmpi.so.40']),
    });
    expect(launchOf({ PMI_SIZE: '2', PMI_RANK: '0' })?.libraries[0]).toBe('libmpi.so.12');
    expect(launchOf({ SLURM_STEP_NUM_TASKS: '8', SLURM_PROCID: '7', SLURM_NTASKS: '8' })).toMatchObject({
      ...{ by: 'srun', rank: 7, size: 8 },
    });
    // Open MPI's mpirun within a Slurm job: its own numbers count.
    const both = { SLURM_STEP_NUM_TASKS: '2', SLURM_PROCID: '1', OMPI_COMM_WORLD_SIZE: '8', OMPI_COMM_WORLD_RANK: '5' };
    expect(launchOf(both)).toMatchObject({ rank: 5, size: 8 });
  });

  it('sees none in a process alone, and in the script of an sbatch', () => {
    expect(launchOf({})).toBeNull();
    expect(launchOf({ OMPI_COMM_WORLD_SIZE: '1', OMPI_COMM_WORLD_RANK: '0' })).toBeNull();
    expect(launchOf({ SLURM_NTASKS: '8', SLURM_PROCID: '0' })).toBeNull();
  });

  it('takes the library that is named, and refuses numbers that are no rank', () => {
    const environment = { PMI_SIZE: '2', PMI_RANK: '1', VALET_MPI_LIBRARY: '/opt/mpi/libmpi.so' };
    expect(launchOf(environment)?.libraries).toEqual(['/opt/mpi/libmpi.so']);
    expect(() => launchOf({ PMI_SIZE: '2', PMI_RANK: '2' })).toThrow('PMI_SIZE=2 and PMI_RANK=2 are no rank');
  });
});
