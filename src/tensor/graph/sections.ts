import { flopsOf } from './builder.ts';
import { inputOf } from './node.ts';
import type { Node, Program, ValueSpec } from './types.ts';

/**
 * Operators that only put numbers elsewhere. What they make of a weight is made anew in each section that uses it,
 * instead of being kept.
 */
const MOVES = new Set(['Split', 'Slice', 'Reshape', 'Transpose', 'Identity']);

/**
 * The sections of a program (`Program.cuts`) as programs of their own, which compute the same when they run in this
 * order. What an earlier section computes and a later one uses is an output of the first and an input of the second,
 * by the value's own name; the program's inputs, weights and outputs keep theirs.
 */
export function sectionsOf(program: Program): readonly Program[] {
  const { nodes, cuts } = program;
  const starts = [0, ...cuts, nodes.length];
  const sectionAt = nodes.map(() => 0);
  for (let section = 0; section < starts.length - 1; section++)
    sectionAt.fill(section, starts[section], starts[section + 1]);
  const moved = movedWeights(program);
  const madeIn = new Map<string, number>();
  nodes.forEach(({ outputs }, at) => {
    if (!moved.has(nodes[at] as Node)) for (const name of outputs) madeIn.set(name, sectionAt[at] as number);
  });
  const movedBy = new Map([...moved].flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const sections = starts.slice(1).map((_, section) => {
    const own = nodes.filter((node, at) => sectionAt[at] === section && !moved.has(node));
    const outputs = program.outputs.filter(({ value }) => (madeIn.get(value) ?? 0) === section);
    const needed = new Set([...own.flatMap(({ inputs }) => inputs), ...outputs.map(({ value }) => value)]);
    const again = new Set<Node>();
    for (const name of needed) {
      const node = movedBy.get(name);
      if (!node) continue;
      again.add(node);
      for (const input of node.inputs) needed.add(input);
    }
    return { nodes: [...nodes.filter((node) => again.has(node)), ...own], outputs, needed };
  });
  const spec = (name: string): ValueSpec => program.values.get(name) as ValueSpec;
  return sections.map(({ nodes: own, outputs, needed }, section) => {
    const arriving = [...needed].filter((name) => (madeIn.get(name) ?? section) !== section);
    const leaving = new Set(
      sections.slice(section + 1).flatMap((later) => [...later.needed].filter((name) => madeIn.get(name) === section)),
    );
    return {
      inputs: [...program.inputs.filter(({ name }) => needed.has(name)), ...arriving.map(spec)],
      parameters: program.parameters.filter(({ name }) => needed.has(name)),
      constants: program.constants.filter(({ name }) => needed.has(name)),
      outputs: [...[...leaving].map((name) => ({ ...spec(name), value: name })), ...outputs],
      ...{ nodes: own, cuts: [], values: program.values, flops: flopsOf(own, program.values) },
    };
  });
}

/** Nodes that only move numbers of weights. */
function movedWeights({ nodes, parameters }: Program): ReadonlySet<Node> {
  const weights = new Set(parameters.map(({ name }) => name));
  const moved = new Set<Node>();
  for (const node of nodes) {
    if (!MOVES.has(node.op) || !weights.has(inputOf(node))) continue;
    moved.add(node);
    for (const name of node.outputs) weights.add(name);
  }
  return moved;
}

/** Where the values lie that sections hand on. */
export interface CarriedValues {
  /** Each value, and which of the rooms is its own from when it is made to its last use. */
  readonly places: readonly { readonly value: ValueSpec; readonly room: number }[];
  /** Bytes of each room; values of as many bytes share one, one after the other. */
  readonly rooms: readonly number[];
}

/** @param bytesOf of a value */
export function carriedValues(sections: readonly Program[], bytesOf: (value: ValueSpec) => number): CarriedValues {
  const last = new Map<string, number>();
  for (const [at, { inputs }] of sections.entries()) for (const { name } of inputs) last.set(name, at);
  const rooms: { readonly bytes: number; until: number }[] = [];
  const places = sections.flatMap(({ outputs }, made) =>
    outputs
      .filter(({ name, value }) => name === value && last.has(name))
      .map(({ value: _, ...value }) => {
        const bytes = bytesOf(value);
        const until = last.get(value.name) as number;
        const room = rooms.findIndex((one) => one.bytes === bytes && one.until < made);
        if (room < 0) return { value, room: rooms.push({ bytes, until }) - 1 };
        (rooms[room] as { until: number }).until = until;
        return { value, room };
      }),
  );
  return { places, rooms: rooms.map(({ bytes }) => bytes) };
}
