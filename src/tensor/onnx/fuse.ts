import type { Program } from '../graph/index.ts';
import { inputOf, outputOf } from '../graph/index.ts';
import type { OnnxNode } from './model.ts';

/**
 * The tanh GELU, spelled in six nodes because its gradient needs what lies between, as the runtime's one kernel where
 * nothing else reads what lies between (inference): x·σ(x·(c·a·x² + c)) with c = 2√(2/π), a = 0.044715 is x/2·(1 +
 * tanh(√(2/π)(x + a·x³))).
 */
export function fuseGelu(nodes: readonly OnnxNode[], program: Program): OnnxNode[] {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const uses = new Map<string, OnnxNode[]>();
  for (const node of nodes)
    for (const name of new Set(node.inputs)) {
      const known = uses.get(name);
      if (known) known.push(node);
      else uses.set(name, [node]);
    }
  const kept = new Set(program.outputs.map(({ value }) => value));
  const scalars = new Map(
    program.constants.flatMap(({ name, shape, data }) =>
      shape.length === 0 ? [[name, Number(data[0])] as const] : [],
    ),
  );
  const alone = (node: OnnxNode | undefined, op: string): node is OnnxNode =>
    node?.op === op && uses.get(outputOf(node))?.length === 1 && !kept.has(outputOf(node));
  /** Of a node with a scalar operand: the other operand, when the scalar is `value`. */
  const besides = (node: OnnxNode, value: number): string | undefined => {
    const [a, b] = node.inputs as [string, string];
    const close = (name: string) => Math.abs((scalars.get(name) ?? Number.NaN) - value) < 1e-6;
    return close(b) ? a : close(a) ? b : undefined;
  };
  const c = 2 * Math.sqrt(2 / Math.PI);
  const dropped = new Set<OnnxNode>();
  const fused = new Map<OnnxNode, OnnxNode>();
  for (const sigmoid of nodes) {
    if (!alone(sigmoid, 'Sigmoid')) continue;
    const inner = makers.get(inputOf(sigmoid));
    if (!alone(inner, 'Mul')) continue;
    for (const [x, factor] of [inner.inputs, [...inner.inputs].reverse()] as [string, string][]) {
      const sum = makers.get(factor);
      if (!alone(sum, 'Add')) continue;
      const scaled = makers.get(besides(sum, c) ?? '');
      if (!alone(scaled, 'Mul')) continue;
      const square = makers.get(besides(scaled, c * 0.044715) ?? '');
      if (!alone(square, 'Mul') || !square.inputs.every((name) => name === x)) continue;
      const [last] = uses.get(outputOf(sigmoid)) ?? [];
      if (last?.op !== 'Mul' || !last.inputs.includes(x)) continue;
      for (const node of [square, scaled, sum, inner, sigmoid]) dropped.add(node);
      fused.set(last, { ...last, op: 'Gelu', inputs: [x], attributes: { approximate: { string: 'tanh' } } });
    }
  }
  return nodes.filter((node) => !dropped.has(node)).map((node) => fused.get(node) ?? node);
}
