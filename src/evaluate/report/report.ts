import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InputError, readJson, writeFileAside } from '../../base/index.ts';
import { type LedgerLine, type RunFile, RunFileSchema, readLedger, runFilePath, settled } from '../ledger/index.ts';
import { type EvaluationSummary, summariseLedger } from '../scores/index.ts';
import { reportPage } from './page.ts';
import { type PageRollout, readRollout } from './rollouts.ts';
import { embeddedThree } from './three.ts';

/** Rollouts that a page carries at most; it stays well below 15 MB with 20. */
const MAX_ROLLOUTS = 60;

/** An evaluation folder as it was read: the policy's results, and those of the baselines in `baselines/<name>/`. */
export interface Evaluation {
  readonly run: RunFile;
  readonly lines: readonly LedgerLine[];
  readonly summary: EvaluationSummary;
  readonly baselines: Readonly<
    Record<string, { readonly lines: readonly LedgerLine[]; readonly summary: EvaluationSummary }>
  >;
}

/** @throws InputError when the folder holds no evaluation */
export async function readEvaluation(folder: string): Promise<Evaluation> {
  if (!existsSync(runFilePath(folder)))
    throw new InputError(folder, 'holds no evaluation (run.json is missing). Make one by valet eval.');
  const run = await readJson(runFilePath(folder), RunFileSchema);
  const lines = await readLedger(folder);
  const names = (await readdir(join(folder, 'baselines')).catch(() => [])).sort();
  const seed = run.fingerprint.seed ?? '0';
  const baselines: Record<string, { lines: readonly LedgerLine[]; summary: EvaluationSummary }> = {};
  for (const name of names) {
    const theirs = await readLedger(join(folder, 'baselines', name));
    if (theirs.length > 0) baselines[name] = { lines: theirs, summary: summariseLedger(theirs, seed) };
  }
  return { run, lines, summary: summariseLedger(lines, seed), baselines };
}

/** Writes `report.html` into an evaluation folder. @returns its path */
export async function writeReport(folder: string): Promise<string> {
  const { run, lines, summary, baselines } = await readEvaluation(folder);
  const counted = (all: readonly LedgerLine[]) => settled(all).filter((line) => line.state === 'done');
  const rollouts: PageRollout[] = [];
  for (const line of counted(lines).slice(0, MAX_ROLLOUTS)) {
    const rollout = await readRollout(folder, line);
    if (rollout) rollouts.push(rollout);
  }
  const name = policyName(run);
  const page = reportPage({
    name,
    started: run.started,
    seed: run.fingerprint.seed ?? '0',
    fingerprint: JSON.stringify(run.fingerprint),
    summary,
    baselines: Object.fromEntries(Object.entries(baselines).map(([other, theirs]) => [other, theirs.summary])),
    series: [
      { name: 'policy', lines: counted(lines) },
      ...Object.entries(baselines).map(([other, theirs]) => ({ name: other, lines: counted(theirs.lines) })),
    ],
    rollouts,
    modules: rollouts.length > 0 ? await embeddedThree() : [],
  });
  const path = join(folder, 'report.html');
  await writeFileAside(path, page);
  return path;
}

function policyName({ label, fingerprint }: RunFile): string {
  if (label !== undefined) return label;
  const { kind, folder, url } = fingerprint.policy;
  if (kind === 'checkpoint') return `Policy ${basename(String(folder))}`;
  if (kind === 'remote') return `Policy at ${url}`;
  return (
    { hold: 'Holding still', replay: 'Replaying a demonstration', expert: 'The expert' }[String(kind)] ?? String(kind)
  );
}
