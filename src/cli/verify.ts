import { Command } from 'commander';
import { duration } from '../base/index.ts';
import { type Summary, summarise, type Verdict, verify } from '../verify/index.ts';

interface Options {
  json: boolean;
  quiet: boolean;
}

export function command(): Command {
  return new Command('verify')
    .description("golden cases below the given folders, each quantity computed with Valet's own code and compared")
    .argument('<dir...>', 'folders with golden cases (a manifest.json each)')
    .option('--json', 'print one JSON line per quantity, and a last one with the counts', false)
    .option('--quiet', 'no progress on stderr', false)
    .addHelpText('after', '\nExample:\n  $ valet verify test/golden/sincos test/golden/optimizer')
    .action(run);
}

async function run(folders: string[], options: Options): Promise<void> {
  const started = performance.now();
  const verdicts: Verdict[] = [];
  let current = '';
  for await (const verdict of verify(folders)) {
    verdicts.push(verdict);
    if (options.json) process.stdout.write(`${JSON.stringify(verdict)}\n`);
    if (verdict.case !== current && !options.quiet) process.stderr.write(`${verdict.case} (${verdict.kind || '?'})\n`);
    current = verdict.case;
  }
  const summary = summarise(verdicts);
  if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else process.stdout.write(report(verdicts, summary, (performance.now() - started) / 1000));
  if (summary.failed > 0 || summary.unknown > 0) process.exitCode = 1;
}

/** A table with one line per case, what is off below it, and the counts. */
export function report(verdicts: readonly Verdict[], summary: Summary, seconds: number): string {
  const cases = new Map<string, Verdict[]>();
  for (const verdict of verdicts) cases.set(verdict.case, [...(cases.get(verdict.case) ?? []), verdict]);
  const width = Math.max(4, ...[...cases.keys()].map((name) => name.length));
  const kindWidth = Math.max(4, ...verdicts.map(({ kind }) => kind.length));
  const line = (...[name, kind, passed, failed, unknown]: [string, string, ...(string | number)[]]) =>
    `${name.padEnd(width)}  ${kind.padEnd(kindWidth)}  ${String(passed).padStart(6)}  ${String(failed).padStart(6)}  ${String(unknown).padStart(7)}\n`;
  let out = line('case', 'kind', 'passed', 'failed', 'unknown');
  for (const [name, own] of cases) {
    const count = summarise(own);
    out += line(name, own[0]!.kind, count.passed, count.failed, count.unknown);
    const off = own.filter(({ pass }) => pass === false);
    for (const verdict of off.slice(0, 5)) out += `  ✗ ${describe(verdict)}\n`;
    if (off.length > 5) out += `  and ${off.length - 5} more\n`;
    const unknown = own.find(({ pass }) => pass === null);
    if (unknown) out += `  ? ${unknown.message}\n`;
  }
  const { passed, failed, unknown } = summary;
  return `${out}${passed} passed, ${failed} failed, ${unknown} unknown in ${duration(seconds)}\n`;
}

function describe({ quantity, error, tolerance, message }: Verdict): string {
  const size = error === null || tolerance === null ? '' : ` error ${error.toExponential(1)} > ${tolerance}`;
  return `${quantity}${size}${message ? `: ${message}` : ''}`;
}
