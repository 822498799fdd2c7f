/**
 * Deliberate mistakes, one at a time in a copy of the source: each must make `valet verify` fail on the committed
 * cases.
 *
 * `npx tsx test/mistakes/run.ts [--only TEXT] [--no-page]` writes docs/mistakes.md; exit code 1 when one is not caught
 * or no longer applies.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, stripVTControlCharacters } from 'node:util';
import { MISTAKES, type Mistake } from './mistakes.ts';

const ROOT = join(import.meta.dirname, '../..');
const golden = (...names: string[]) => names.map((name) => `test/golden/${name}`);
const twins = (...names: string[]) => names.map((name) => `test/twins/twin-${name}`);
/**
 * In which order the cases are asked, by what a file is about: the original's first, then twins, whose sizes and
 * settings the original's do not have.
 */
const ORDERS: readonly (readonly [files: RegExp, folders: readonly string[][]])[] = [
  [
    /^train|trainingState|adamw/,
    [golden('optimizer', 'optimizer-weight-decay'), twins('optimizer'), golden('train-steps')],
  ],
  [/^action|sampler|inference/, [golden('sampler'), twins('sampler')]],
  [/./, [golden('network-tiny'), golden('sampler'), twins('network'), twins('sampler')]],
];

interface Verdict {
  readonly case: string;
  readonly quantity: string;
  readonly error: number | null;
  readonly tolerance: number | null;
  readonly pass: boolean | null;
  readonly message?: string;
}
/** What became of one mistake. */
export interface Finding {
  readonly mistake: Mistake;
  readonly off: readonly Verdict[];
  readonly first?: Verdict;
  /** Of what a mistake without golden numbers is caught by. */
  readonly test?: string;
  /** Why it could not be tried. */
  readonly stale?: string;
}

/**
 * A copy of what `valet verify` needs, with a mistake made in it; the caller removes it.
 * @throws Error when a text is not there exactly once
 */
export function copyWith(mistake: Mistake): string {
  const folder = mkdtempSync(join(tmpdir(), 'valet-mistake-'));
  const path = join(ROOT, 'src', mistake.file);
  let text = readFileSync(path, 'utf8');
  try {
    for (const [from, to] of mistake.edits) {
      const count = text.split(from).length - 1;
      if (count !== 1) throw new Error(`${mistake.what}: src/${mistake.file} has ${count} times: ${from}`);
      text = text.replace(from, () => to);
    }
    for (const name of ['src', 'test/mistakes', 'test/support', 'tsdown.config.ts'])
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    for (const name of [
      'package.json',
      'tsconfig.json',
      'vitest.config.ts',
      'node_modules',
      'test/golden',
      'test/twins',
      'policies',
    ])
      symlinkSync(join(ROOT, name), join(folder, name));
    writeFileSync(join(folder, 'src', mistake.file), text);
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function run(folder: string, args: readonly string[]): Promise<{ code: number; out: string; errors: string }> {
  return new Promise((resolve) => {
    const options = { cwd: folder, maxBuffer: 2 ** 28 };
    execFile(process.execPath, [...args], options, (error, out, errors) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, errors }),
    );
  });
}

/** Makes the mistake and verifies cases until one is off. */
export async function tryMistake(mistake: Mistake, groups = ordersOf(mistake)): Promise<Finding> {
  const folder = copyWith(mistake);
  try {
    if (mistake.test) {
      const { out, errors } = await run(folder, [
        'node_modules/vitest/vitest.mjs',
        'run',
        '--root',
        folder,
        mistake.test,
      ]);
      const name = /FAIL\s+\S+ > (.+)/.exec(stripVTControlCharacters(out + errors))?.[1];
      return { mistake, off: [], ...(name && { test: `${mistake.test}: ${name.trim()}` }) };
    }
    for (const folders of groups) {
      const arguments_ = ['--import', 'tsx', 'src/cli/main.ts', 'verify', '--json', '--quiet', ...folders];
      const { out, errors } = await run(folder, arguments_);
      const lines = out.trim().split('\n');
      const summary = JSON.parse(lines.pop() || '{}') as { firstOff?: { case: string; quantity: string }[] };
      if (!('passed' in summary)) throw new Error(`${mistake.what}: valet verify broke off:\n${errors.slice(-2000)}`);
      const off = lines.map((line) => JSON.parse(line) as Verdict).filter(({ pass }) => pass !== true);
      const named = summary.firstOff?.[0];
      const first = off.find((v) => v.case === named?.case && v.quantity === named?.quantity) ?? off[0];
      if (first) return { mistake, off, first };
    }
    return { mistake, off: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function ordersOf({ file }: Mistake): readonly string[][] {
  return ORDERS.find(([files]) => files.test(file))?.[1] ?? [];
}

const caught = (finding: Finding): boolean => finding.first !== undefined || finding.test !== undefined;

export function page(findings: readonly Finding[]): string {
  const number = (x: number | null) =>
    x === null ? '–' : x === 0 || (x >= 0.001 && x < 1000) ? String(Number(x.toPrecision(2))) : x.toExponential(1);
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const rows = findings.map((finding) => {
    const { mistake, off, first, test } = finding;
    const cases = new Set(off.map((v) => v.case));
    const cells = first
      ? [
          `${first.case}: \`${first.quantity}\``,
          first.error === null
            ? (first.message ?? '').slice(0, 60)
            : `${number(first.error)} (${number(first.tolerance)})`,
          `${off.length} in ${[...cases].join(', ')}`,
        ]
      : [test ? `test: ${test}` : '**not caught**', '', ''];
    return `| ${[mistake.what, `\`${mistake.file}\``, ...cells].map(cell).join(' | ')} |`;
  });
  const byTwins = findings.filter(({ first }) => first?.case.startsWith('twin-'));
  const alone =
    `${byTwins.length} are caught by the twins alone. The original's cases have one key-value head and no absent ` +
    "camera while sampling. They weigh the data's correlation and the identity alike. Their ε are so small that " +
    `leaving one out is rounding. The ${byTwins.length} are: ${byTwins.map(({ mistake }) => mistake.what).join('; ')}.`;
  return [
    '# Deliberate mistakes',
    '',
    'Would `valet verify` notice a mistake? This makes the ones below, one at a time, in a copy of the source:',
    '',
    '```sh',
    'npx tsx test/mistakes/run.ts                       # all of them; writes this page',
    'npx tsx test/mistakes/run.ts --only RoPE --no-page # some of them',
    '```',
    '',
    'Each time it verifies the committed cases. First come those of the original program: `network-tiny`, `sampler`, ' +
      '`optimizer`, `optimizer-weight-decay`, `train-steps`. Then come the twins in `test/twins`, which have sizes ' +
      "and settings that the original's cases lack. It ends with the first case that is off. The command fails when " +
      'a mistake is not caught, or when the text that it changes is not there exactly once.',
    '',
    `${findings.filter(caught).length} of ${findings.length} mistakes are caught. "First off" is what comes first in ` +
      'the order of the computation, as `valet verify` names it. The error is relative to the largest magnitude of ' +
      'the tensor; its tolerance stands beside it. The last column counts the quantities that are off, by case.',
    '',
    ...(byTwins.length > 0 ? [alone, ''] : []),
    '| mistake | file | first off | error (tolerance) | off |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, 'no-page': { type: 'boolean', default: false } },
  });
  const findings: Finding[] = [];
  for (const mistake of MISTAKES) {
    if (values.only && !mistake.what.includes(values.only)) continue;
    const finding = await tryMistake(mistake).catch(
      (error: Error): Finding => ({ mistake, off: [], stale: error.message }),
    );
    findings.push(finding);
    const { first, test, stale, off } = finding;
    const said =
      stale ??
      (first
        ? `${first.case} ${first.quantity} ${first.error} (${first.tolerance}), ${off.length} off`
        : (test ?? 'NOT CAUGHT'));
    console.log(`${caught(finding) ? 'caught' : 'MISSED'}  ${mistake.what}: ${said}`);
  }
  const missed = findings.filter((finding) => !caught(finding));
  console.log(`${findings.length - missed.length} of ${findings.length} caught`);
  if (!values.only && !values['no-page']) writeFileSync(join(ROOT, 'docs/mistakes.md'), page(findings));
  return missed.length > 0 ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) process.exitCode = await main();
