import { nearest, present } from '../../base/index.ts';
import {
  carriedValues,
  type DataType,
  type NdArray,
  type Program,
  sectionsOf,
  TensorError,
  type TypedArray,
  type ValueSpec,
} from '../graph/index.ts';
import { byteLength, isStored, type StoredArray, type Weight, WeightReader } from '../weights/index.ts';
import { withoutNames } from './sameProgram.ts';
import { ProgramSession } from './session.ts';

/** One section: its session, and the session's names of what it takes and gives. */
interface Step {
  readonly session: ProgramSession;
  readonly names: ReadonlyMap<string, string>;
  readonly takes: readonly string[];
  readonly gives: readonly string[];
}

/**
 * A program whose sections run one after the other, each in a session of its own that keeps nothing when it has run:
 * memory for one section, and for the values that they hand on. Weights may stay in their files; a section reads those
 * that it uses. Sections that differ by names alone share a session.
 */
export class SectionedSession {
  private reader: WeightReader | undefined;

  private constructor(
    private readonly program: Program,
    private readonly steps: readonly Step[],
    private readonly sessions: readonly ProgramSession[],
    /** Arrays of what sections hand on; several values one after the other lie in the same memory. */
    private readonly carried: ReadonlyMap<string, NdArray>,
  ) {}

  static async create(
    program: Program,
    { threads = 1 }: { readonly threads?: number } = {},
  ): Promise<SectionedSession> {
    const sections = sectionsOf(program);
    const sessions = new Map<string, ProgramSession>();
    const steps: Step[] = [];
    for (const section of sections) {
      const { program: anonymous, key, names } = withoutNames(section);
      const session = sessions.get(key) ?? (await ProgramSession.create(anonymous, { threads, memoryArena: false }));
      sessions.set(key, session);
      steps.push({
        ...{ session, names },
        takes: [...section.inputs, ...section.parameters].map(({ name }) => name),
        gives: section.outputs.map(({ name }) => name),
      });
    }
    return new SectionedSession(program, steps, [...sessions.values()], carriedArrays(sections));
  }

  /** Names, shapes and types of what `run` must be fed. */
  get inputs(): ValueSpec[] {
    const used = new Set(this.steps.flatMap(({ takes }) => takes));
    return [...this.program.inputs, ...this.program.parameters].filter(({ name }) => used.has(name));
  }

  get outputs(): ValueSpec[] {
    return this.program.outputs.map(({ value: _, ...output }) => output);
  }

  /**
   * Runs the program. `feeds` holds every input by name; weights in files must lie in the files of the first run.
   * `fetches` names the wanted outputs, or maps them to arrays that the results are written into.
   * @throws TensorError for a missing feed and for an unknown fetch
   */
  async run(
    feeds: Readonly<Record<string, Weight>>,
    fetches: readonly string[] | Readonly<Record<string, NdArray>> = this.outputs.map(({ name }) => name),
  ): Promise<Record<string, NdArray>> {
    const results = this.results(fetches);
    const stored = Object.values(feeds).filter(isStored);
    if (stored.length > 0) this.reader ??= new WeightReader(stored);
    for (const { session, names, takes, gives } of this.steps) {
      const inner = (name: string) => present(names.get(name), name);
      const given = this.given(takes, feeds);
      const wanted = gives.flatMap((name) => {
        const array = this.carried.get(name) ?? results[name];
        return array ? [[inner(name), array] as const] : [];
      });
      if (wanted.length > 0)
        await session.run(
          Object.fromEntries(takes.map((name) => [inner(name), present(given.get(name), name)])),
          Object.fromEntries(wanted),
        );
    }
    return results;
  }

  /** Frees the runtime's memory. */
  async close(): Promise<void> {
    this.reader?.close();
    await Promise.all(this.sessions.map((session) => session.close()));
  }

  /** Arrays for what is wanted. */
  private results(fetches: readonly string[] | Readonly<Record<string, NdArray>>): Record<string, NdArray> {
    const into = Array.isArray(fetches) ? undefined : (fetches as Readonly<Record<string, NdArray>>);
    const known = new Map(this.outputs.map((output) => [output.name, output]));
    return Object.fromEntries(
      (into ? Object.keys(into) : (fetches as readonly string[])).map((name) => {
        const output = known.get(name);
        if (!output) {
          const near = nearest(name, known.keys());
          throw new TensorError(
            'SectionedSession.run',
            `there is no fetch '${name}'. ${near ? `Did you mean '${near}'?` : ''}`,
          );
        }
        const { shape, dtype } = output;
        return [name, into?.[name] ?? { shape, dtype, data: arrayOver(new ArrayBuffer(byteLength(output)), output) }];
      }),
    );
  }

  /** What one section takes, with its weights read. */
  private given(takes: readonly string[], feeds: Readonly<Record<string, Weight>>): ReadonlyMap<string, NdArray> {
    const out = new Map<string, NdArray>();
    const stored = new Map<string, StoredArray>();
    for (const name of takes) {
      const given = this.carried.get(name) ?? feeds[name];
      if (!given) throw new TensorError('SectionedSession.run', `the feed '${name}' is missing.`);
      if (isStored(given)) stored.set(name, given);
      else out.set(name, given);
    }
    if (stored.size === 0) return out;
    return new Map([...out, ...present(this.reader, 'the reader').read(stored)]);
  }
}

/** Arrays for what sections hand on. */
function carriedArrays(sections: readonly Program[]): ReadonlyMap<string, NdArray> {
  const { places, rooms } = carriedValues(sections, byteLength);
  const buffers = rooms.map((bytes) => new ArrayBuffer(bytes));
  return new Map(
    places.map(({ value, room }) => {
      const { name, shape, dtype } = value;
      return [name, { shape, dtype, data: arrayOver(present(buffers[room], name), value) }];
    }),
  );
}

const ARRAYS: Readonly<Record<DataType, new (buffer: ArrayBuffer) => TypedArray>> = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

const arrayOver = (buffer: ArrayBuffer, { dtype }: Pick<ValueSpec, 'dtype'>): TypedArray => new ARRAYS[dtype](buffer);
