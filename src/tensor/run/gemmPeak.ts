import { Builder } from '../graph/index.ts';
import { matmul } from '../ops/index.ts';
import { ProgramSession } from './session.ts';

const SIZE = 1024;
const CHAIN = 3;

/**
 * What this machine's matrix products reach in float32, in GFLOP/s: the best of `runs` chains of 1024³ products whose
 * factors are all fed (as in training; prepacked weights reach more). Takes about a quarter of a second.
 */
export async function gemmPeak(threads: number, { runs = 8 }: { runs?: number } = {}): Promise<number> {
  const builder = new Builder();
  const w = builder.input('w', [SIZE, SIZE]);
  let x = w;
  for (let i = 0; i < CHAIN; i++) x = matmul(x, w, { alpha: 1 });
  builder.output('column', matmul(x, builder.input('ones', [SIZE, 1])));
  const program = builder.build();
  const session = await ProgramSession.create(program, { threads });
  try {
    // An orthogonal-like scale keeps the numbers normal through the chain.
    const feeds = {
      w: Float32Array.from({ length: SIZE * SIZE }, (_, i) => Math.sin(i * 1.7) / Math.sqrt(SIZE / 2)),
      ones: new Float32Array(SIZE).fill(1),
    };
    await session.run(feeds);
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < runs; run++) {
      const start = performance.now();
      await session.run(feeds);
      best = Math.min(best, performance.now() - start);
    }
    return program.flops / best / 1e6;
  } finally {
    await session.close();
  }
}
