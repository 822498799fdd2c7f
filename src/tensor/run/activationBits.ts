import { present } from '../../base/index.ts';
import { Builder } from '../graph/index.ts';
import { linear } from '../ops/index.ts';
import { quantiseColumns, weightMatrices } from '../weights/index.ts';
import { ProgramSession } from './session.ts';

let known: Promise<7 | 8> | undefined;

/**
 * How many bits an activation of an integer product may have on this CPU: 8, or 7 where the instruction adds pairs of
 * products in 16 bits and saturates (x86 without VNNI). Found by multiplying the largest numbers, once a process.
 */
export function activationBits(): Promise<7 | 8> {
  known ??= exactWith(8).then((exact) => (exact ? 8 : 7));
  return known;
}

/** Whether rows and columns of the largest bytes give the exact product. */
export async function exactWith(bits: 7 | 8): Promise<boolean> {
  const [rows, inner, columns] = [4, 64, 32] as const;
  const builder = new Builder();
  const x = builder.input('x', [rows, inner]);
  builder.output('y', linear(x, builder.parameter('w', [inner, columns])));
  const program = builder.build();
  const [matrix] = [...weightMatrices(program).values()];
  const { key } = present(matrix, "the product's matrix");
  const ones = (n: number) => new Float32Array(n).fill(1);
  const session = await ProgramSession.create(program, {
    quantised: new Map([[key, [quantiseColumns(ones(inner * columns), [inner, columns])]]]),
    activationBits: bits,
  });
  const { y } = await session.run({ x: ones(rows * inner) });
  await session.close();
  return (present(y, 'the product').data as Float32Array).every((value) => Math.abs(value / inner - 1) < 1e-4);
}
