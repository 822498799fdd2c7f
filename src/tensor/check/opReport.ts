import colours from 'picocolors';
import type { Precision } from '../onnx/index.ts';
import { type Device, probeDevice } from '../run/index.ts';
import { OP_CASES } from './opCases.ts';
import { checkOp, type OpCheck } from './opCheck.ts';

/** One row of `doctor --ops`: an op on a device in a precision, its worst case. */
export interface OpRow extends Omit<OpCheck, 'name'> {
  readonly device: Device;
  readonly precision: Precision;
  /** Cases of the op that were run. */
  readonly cases: number;
}

/**
 * Every op and its gradient on `device` against float64, the worst case of each op; precisions that the device lacks
 * are left out.
 */
export async function* checkOps(device: Device): AsyncGenerator<OpRow> {
  const report = await probeDevice(device);
  const precisions: Precision[] = report.float16 ? ['float32', 'float16'] : ['float32'];
  const all = Object.values(OP_CASES).flat();
  for (const precision of precisions)
    for (const op of new Set(all.map((one) => one.op))) {
      const checks: OpCheck[] = [];
      for (const one of all.filter((candidate) => candidate.op === op))
        checks.push(await checkOp(one, { device, precision }));
      const largest = (numbers: (number | null)[]) =>
        numbers.reduce<number>((a, b) => (b === null || b <= a ? a : b), 0);
      const gradients = checks.map(({ gradientError }) => gradientError).filter((error) => error !== null);
      const problem = checks.find((check) => check.problem)?.problem;
      yield {
        ...{ device, precision, op, cases: checks.length },
        error: problem ? Number.NaN : largest(checks.map(({ error }) => error)),
        gradientError: gradients.length > 0 ? largest(gradients) : null,
        milliseconds: largest(checks.map(({ milliseconds }) => milliseconds)),
        pass: checks.every(({ pass }) => pass),
        ...(problem ? { problem } : {}),
      };
    }
}

export const OPS_HEAD = `${'op'.padEnd(14)}${'device'.padEnd(8)}${'precision'.padEnd(11)}${'cases'.padStart(5)}${'error'.padStart(11)}${'gradient'.padStart(11)}${'ms'.padStart(9)}\n`;

export function opLine({
  op,
  device,
  precision,
  cases,
  error,
  gradientError,
  milliseconds,
  pass,
  problem,
}: OpRow): string {
  const number = (x: number | null) => (x === null ? '–' : x.toExponential(1)).padStart(11);
  const tick = pass ? colours.green('✓') : colours.red('✗');
  const head = `${op.padEnd(14)}${device.padEnd(8)}${precision.padEnd(11)}${String(cases).padStart(5)}`;
  return `${head}${number(error)}${number(gradientError)}${milliseconds.toFixed(2).padStart(9)}  ${tick}${problem ? ` ${problem}` : ''}\n`;
}
