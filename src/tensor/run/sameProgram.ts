import type { Node, Program, ValueSpec } from '../graph/index.ts';

/** A program whose values have names by their place, and what they were called before. */
export interface Anonymous {
  readonly program: Program;
  /** Equal for programs that compute the same of inputs in other places. */
  readonly key: string;
  /** The new names of inputs, parameters and outputs, by their old ones. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * The program with other names, so that the layers of a network, which differ by names alone, become one program.
 * Constants are the same where they have the same name: those of one program that was cut into sections.
 */
export function withoutNames(program: Program): Anonymous {
  const { nodes, inputs, parameters, outputs, constants, values } = program;
  const names = new Map<string, string>();
  const fixed = new Set(constants.map(({ name }) => name));
  const renamed = (name: string): string => {
    if (name === '' || fixed.has(name)) return name;
    const known = names.get(name) ?? `v${names.size}`;
    names.set(name, known);
    return known;
  };
  const named = nodes.map(
    (node, at): Node => ({
      ...node,
      name: `n${at}`,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    }),
  );
  const spec = ({ shape, dtype }: ValueSpec, name: string): ValueSpec => ({ name: renamed(name), shape, dtype });
  const order = (a: ValueSpec, b: ValueSpec) => a.name.localeCompare(b.name);
  const given = {
    inputs: inputs.map((one) => spec(one, one.name)).sort(order),
    parameters: parameters.map((one) => spec(one, one.name)).sort(order),
  };
  const wanted = outputs
    .map((output) => ({ output, value: renamed(output.value) }))
    .sort((a, b) => a.value.localeCompare(b.value))
    .map(({ output, value }) => ({ ...spec(output, output.name), value }));
  const all = new Map<string, ValueSpec>();
  for (const [name, one] of values) if (names.has(name) || fixed.has(name)) all.set(renamed(name), spec(one, name));
  const key = JSON.stringify([named, given, wanted, [...fixed].sort()]);
  return { program: { ...program, ...given, nodes: named, outputs: wanted, values: all }, key, names };
}
