import { InputError, ValetError } from '../errors.ts';

/** MPI's functions, each with the handles of its library filled in; a code other than 0 is an error. */
export interface MpiLibrary {
  /** As it describes itself. */
  readonly version: string;
  /** An MPI function by name. */
  call(name: string, ...args: readonly unknown[]): void;
  /** `MPI_COMM_WORLD`, `MPI_SUM`, and the types. */
  readonly handles: Handles;
  /** In place of an array that is read where it is written. */
  readonly inPlace: bigint;
}

/** Addresses in Open MPI, numbers in MPICH. */
interface Handles {
  readonly world: unknown;
  readonly sum: unknown;
  readonly float: unknown;
  readonly double: unknown;
  readonly byte: unknown;
}

/** mpi.h of MPICH, whose numbers Intel MPI, MVAPICH and Cray MPICH share (the MPICH ABI initiative). */
const MPICH_HANDLES: Handles = {
  world: 0x44000000,
  sum: 0x58000003,
  float: 0x4c00040a,
  double: 0x4c00080b,
  byte: 0x4c00010d,
};

/** Parameters of the functions: H stands for a handle, P for an address or an array. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  MPI_Init_thread: 'P P int P',
  MPI_Comm_rank: 'H P',
  MPI_Comm_size: 'H P',
  MPI_Allreduce: 'P P int H H H',
  MPI_Reduce_scatter: 'P P P H H H',
  MPI_Allgather: 'P int H P int H H',
  MPI_Gather: 'P int H P int H int H',
  MPI_Bcast: 'P int H int H',
  MPI_Barrier: 'H',
  MPI_Abort: 'H int',
  MPI_Finalize: '',
};

/**
 * Loads the first of these libraries that is there.
 * @throws InputError when none is, or it is of an unknown kind; ValetError when koffi, which calls it, is missing
 */
export async function loadMpi(names: readonly string[]): Promise<MpiLibrary> {
  const { default: koffi } = await import('koffi').catch((error: Error) => {
    const [reason] = error.message.split('\n');
    throw new ValetError(
      'MPI',
      `is called through the package koffi, which cannot be loaded here (${reason}). Run: npm install koffi@3.3.4`,
    );
  });
  const library = firstOf(names, (name) => koffi.load(name, { global: true }));
  const text = Buffer.alloc(8192);
  const length = new Int32Array(1);
  library.func('MPI_Get_library_version', 'int', ['void *', 'void *'])(text, length);
  const version = text.toString('latin1', 0, length[0]).split(/[\n\0]/)[0] ?? '';
  const addresses = /Open MPI|Spectrum MPI/i.test(version);
  if (!addresses && !/MPICH|MVAPICH|Intel/i.test(version))
    throw new InputError(
      'MPI',
      `'${version}' is neither of the kind of Open MPI nor of MPICH. Name another: VALET_MPI_LIBRARY.`,
    );
  const types = { H: addresses ? 'void *' : 'int', P: 'void *', int: 'int' } as Record<string, string>;
  const functions = new Map(
    Object.entries(FUNCTIONS).map(([name, parameters]) => [
      name,
      library.func(
        name,
        'int',
        parameters.split(' ').flatMap((word) => types[word] ?? []),
      ),
    ]),
  );
  const symbol = (name: string): unknown => library.symbol(`ompi_mpi_${name}`);
  return {
    version: version.replace(/\t/g, ' '),
    handles: addresses
      ? {
          world: symbol('comm_world'),
          sum: symbol('op_sum'),
          float: symbol('float'),
          double: symbol('double'),
          byte: symbol('byte'),
        }
      : MPICH_HANDLES,
    inPlace: addresses ? 1n : 0xffff_ffff_ffff_ffffn,
    call: (name, ...args) => {
      const code = functions.get(name)?.(...args) as number | undefined;
      if (code !== 0) throw new ValetError('MPI', `${name} failed (code ${code}).`);
    },
  };
}

/**
 * The first library that can be loaded. Open MPI's plugins look its names up among those of the whole process, so it is
 * loaded for all of it.
 */
function firstOf<T>(names: readonly string[], load: (name: string) => T): T {
  const failures: string[] = [];
  for (const name of names)
    try {
      return load(name);
    } catch (error) {
      failures.push((error as Error).message);
    }
  throw new InputError(
    'MPI',
    `no library was found (tried ${names.join(', ')}: ${failures[0]}). Install Open MPI or MPICH, load its module, ` +
      'or name the file: VALET_MPI_LIBRARY=/path/to/libmpi.so',
  );
}
