import { startServer } from '../../src/serve/index.ts';
import type { ArithmeticPlanner } from '../../test/support/serve.ts';
import type { Check } from '../check.ts';
import type { PythonSide } from '../python.ts';

const ROWS = [1, 3, 10];
const CHUNKS = [0, 8, 10, 16, 20];
const POINTS = ['before', 'plan', 'reply'];
const STEPS = 45;

interface Reply {
  readonly error?: string;
  readonly shape: number[];
  readonly action: number[];
  readonly requests: number;
}

/**
 * N robots on one connection in chunks of K, cut at every point: the client connects again to the same port without an
 * id, and its actions must be those of the run that nobody cut.
 */
export async function checkRows(
  side: PythonSide,
  planner: ArithmeticPlanner,
  report: Parameters<Check>[0],
): Promise<void> {
  const play = async (rows: number, chunk: number, cut?: string) => {
    const server = await startServer({ plannerFor: () => planner });
    await server.ready;
    const client = `rows-${rows}-${chunk}-${cut}`;
    try {
      planner.delayMs = cut === undefined ? 0 : 60;
      await side.ask({ do: 'connect', client, port: server.port, chunk: Math.max(1, chunk) });
      await side.ask({ do: 'reset', client });
      const replies: Reply[] = [];
      for (let seed = 0; seed < STEPS; seed++) {
        const what = { seed, robot: 'robot_r1', task: 0, size: 16, proprio: 61, rows };
        const isCut = cut !== undefined && [0, 20, 32, 40].includes(seed);
        replies.push(await side.ask<Reply>({ do: 'act', client, ...what, ...(isCut && { cut }) }));
      }
      return replies;
    } finally {
      planner.delayMs = 0;
      await server.close();
    }
  };
  for (const rows of ROWS)
    for (const chunk of CHUNKS) {
      const uncut = await play(rows, chunk);
      const formed = uncut.every(({ error, shape }) => error === undefined && shape.join() === `${rows},23`);
      const requests = Math.ceil(STEPS / Math.max(1, chunk));
      report(
        `${rows} rows in chunks of ${chunk}: a chunk with every reply`,
        formed && uncut.at(-1)?.requests === requests,
        `${uncut.at(-1)?.requests} requests, ${uncut.find(({ error }) => error)?.error ?? 'no error'}`,
      );
      for (const point of POINTS) {
        const cut = await play(rows, chunk, point);
        const equal = cut.filter(({ action }, step) => action?.join() === uncut[step]?.action?.join()).length;
        report(`${rows} rows in chunks of ${chunk}, cut (${point})`, equal === STEPS, `${equal} of ${STEPS} equal`);
      }
    }
}
