import { Command, Option } from 'commander';
import { duration, present } from '../base/index.ts';
import { DEVICES, type Device } from '../tensor/index.ts';
import { countVerdicts, firstOff, type Verdict, type VerdictCounts, verify } from '../verify/index.ts';

interface Options {
  json: boolean;
  quiet: boolean;
  float64: boolean;
  device: Device;
  precision: 'float32' | 'float16';
}

export function command(): Command {
  return new Command('verify')
    .description("golden cases below the given folders, each quantity computed with Valet's own code and compared")
    .argument('<dir...>', 'folders with golden cases (a manifest.json each)')
    .option('--json', 'print one JSON line per quantity, and a last one with the counts', false)
    .option(
      '--float64',
      'compute network and sampler cases in float64 too: whose rounding the remaining difference is',
      false,
    )
    .addOption(new Option('--device <name>', 'what computes network and sampler cases').choices(DEVICES).default('cpu'))
    .addOption(
      new Option('--precision <type>', 'in what it computes them; the tolerances stay those of float32')
        .choices(['float32', 'float16'])
        .default('float32'),
    )
    .option('--quiet', 'no progress on stderr', false)
    .addHelpText('after', '\nExample:\n  $ valet verify test/golden/sincos test/golden/optimizer')
    .action(run);
}

async function run(folders: string[], options: Options): Promise<void> {
  const started = performance.now();
  const verdicts: Verdict[] = [];
  let current = '';
  for await (const verdict of verify(folders, options)) {
    verdicts.push(verdict);
    if (options.json) process.stdout.write(`${JSON.stringify(verdict)}\n`);
    if (verdict.case !== current && !options.quiet) process.stderr.write(`${verdict.case} (${verdict.kind || '?'})\n`);
    current = verdict.case;
  }
  const summary = countVerdicts(verdicts);
  const first = firstOff(verdicts).map(({ case: name, quantity }) => ({ case: name, quantity }));
  if (options.json)
    process.stdout.write(`${JSON.stringify({ ...summary, ...(first.length > 0 && { firstOff: first }) })}\n`);
  else process.stdout.write(report(verdicts, summary, (performance.now() - started) / 1000));
  if (summary.failed > 0 || summary.unknown > 0) process.exitCode = 1;
}

/** A table with one line per case, what is off below it, and the counts. */
export function report(verdicts: readonly Verdict[], summary: VerdictCounts, seconds: number): string {
  const cases = new Map<string, Verdict[]>();
  for (const verdict of verdicts) cases.set(verdict.case, [...(cases.get(verdict.case) ?? []), verdict]);
  const width = Math.max(4, ...[...cases.keys()].map((name) => name.length));
  const kindWidth = Math.max(4, ...verdicts.map(({ kind }) => kind.length));
  const line = (...[name, kind, passed, failed, unknown]: [string, string, ...(string | number)[]]) =>
    `${name.padEnd(width)}  ${kind.padEnd(kindWidth)}  ${String(passed).padStart(6)}  ` +
    `${String(failed).padStart(6)}  ${String(unknown).padStart(7)}\n`;
  let out = line('case', 'kind', 'passed', 'failed', 'unknown');
  for (const [name, own] of cases) {
    const count = countVerdicts(own);
    out += line(name, present(own[0], 'own[0]').kind, count.passed, count.failed, count.unknown);
    const off = own.filter(({ pass }) => pass === false);
    const [first] = firstOff(own);
    if (first) out += `  ✗ ${off.length > 1 ? 'first off: ' : ''}${describe(first)}\n`;
    const others = off.filter((verdict) => verdict !== first);
    for (const verdict of others.slice(0, 4)) out += `  ✗ ${describe(verdict)}\n`;
    if (others.length > 4) out += `  and ${others.length - 4} more\n`;
    const unknown = own.find(({ pass }) => pass === null);
    if (unknown) out += `  ? ${unknown.message}\n`;
  }
  out += float64Table(verdicts);
  const { passed, failed, unknown } = summary;
  return `${out}${passed} passed, ${failed} failed, ${unknown} unknown in ${duration(seconds)}\n`;
}

/**
 * Our float32 and our float64 program against the golden numbers, side by side; nothing where float64 was not asked
 * for.
 */
function float64Table(verdicts: readonly Verdict[]): string {
  const rows = verdicts.flatMap(({ case: name, quantity, error, float64 }) =>
    float64 && error !== null && (error > 0 || float64.error > 0)
      ? [[`${name}/${quantity}`, error, float64.error, float64.rounding] as const]
      : [],
  );
  if (rows.length === 0) return '';
  const width = Math.max(...rows.map(([name]) => name.length));
  const line = (name: string, ...cells: string[]) =>
    `${name.padEnd(width)}  ${cells.map((cell) => cell.padStart(10)).join('  ')}\n`;
  return (
    line('error against the golden numbers', 'float32', 'float64', '32 to 64') +
    rows.map(([name, ...numbers]) => line(name, ...numbers.map((x) => x.toExponential(1)))).join('')
  );
}

function describe({ quantity, error, tolerance, message }: Verdict): string {
  const size = error === null || tolerance === null ? '' : ` error ${error.toExponential(1)} > ${tolerance}`;
  return `${quantity}${size}${message ? `: ${message}` : ''}`;
}
