import { fileURLToPath } from 'node:url';
import { startServer } from '../../src/serve/index.ts';
import { ArithmeticPlanner } from '../../test/support/serve.ts';
import type { Check } from '../check.ts';
import { PythonSide } from '../python.ts';

const PLAN_MS = 8000;
const MESSAGE_BYTES = 17 << 20;

/** A client that pings every second and waits two keeps its connection while its large observation is planned for. */
export async function checkKeepalive(executable: string, report: Parameters<Check>[0]): Promise<void> {
  const side = new PythonSide(executable, fileURLToPath(new URL('keepalive.py', import.meta.url)));
  const planner = new ArithmeticPlanner();
  const server = await startServer({ plannerFor: () => planner });
  try {
    await server.ready;
    planner.delayMs = PLAN_MS;
    const request = { port: server.port, bytes: MESSAGE_BYTES, times: 2 };
    const { error, seconds = 0, width } = await side.ask<{ error?: string; seconds?: number; width?: number }>(request);
    report(
      'pings of a client are answered while 17 MiB of observation are planned for 8 s',
      error === undefined && width === 23,
      error ?? `${seconds.toFixed(1)} s for two steps, one plan`,
    );
  } finally {
    side.close();
    await server.close();
  }
}
