import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InputError, readJson, writeFileAside } from '../../base/index.ts';
import { readLabels } from '../labels/index.ts';
import {
  askedUnits,
  counted,
  type LedgerLine,
  type RunFile,
  RunFileSchema,
  readLedger,
  runFilePath,
} from '../ledger/index.ts';
import { type EvaluationSummary, summariseLedger } from '../scores/index.ts';
import { withOther } from './besides.ts';
import { FILM_BUDGET, withFilms } from './films.ts';
import { type Gathered, gatherRollouts, PAGE_BUDGET } from './gather.ts';
import { type PageContents, reportPage } from './page.ts';
import { episodesCsv, markdownReport, scoresCsv } from './plainForms.ts';
import { provenanceOf } from './provenance.ts';
import { embeddedThree } from './three.ts';

/** An evaluation folder as it was read: the policy's results, and those of the baselines in `baselines/<name>/`. */
export interface Evaluation {
  readonly run: RunFile;
  readonly lines: readonly LedgerLine[];
  readonly summary: EvaluationSummary;
  readonly baselines: Readonly<
    Record<string, { readonly lines: readonly LedgerLine[]; readonly summary: EvaluationSummary }>
  >;
}

/** An evaluation's run file and ledger, without what they come to. @throws InputError when the folder holds none */
export async function readRecords(folder: string): Promise<Pick<Evaluation, 'run' | 'lines'>> {
  if (!existsSync(runFilePath(folder)))
    throw new InputError(
      folder,
      'holds no evaluation (run.json is missing). Make one by valet eval, or a training by valet train.',
    );
  return { run: await readJson(runFilePath(folder), RunFileSchema), lines: await readLedger(folder) };
}

/** @throws InputError when the folder holds no evaluation */
export async function readEvaluation(folder: string): Promise<Evaluation> {
  const { run, lines } = await readRecords(folder);
  const names = (await readdir(join(folder, 'baselines')).catch(() => [])).sort();
  const baselines: Record<string, { lines: readonly LedgerLine[]; summary: EvaluationSummary }> = {};
  for (const name of names) {
    const at = join(folder, 'baselines', name);
    const theirs = await readLedger(at);
    const units = existsSync(runFilePath(at)) ? askedUnits(await readJson(runFilePath(at), RunFileSchema)) : undefined;
    if (theirs.length > 0) baselines[name] = { lines: theirs, summary: summariseLedger(theirs, units) };
  }
  return { run, lines, summary: summariseLedger(lines, askedUnits(run)), baselines };
}

export interface ReportOptions {
  /** A film of every recorded rollout (H.264 MP4), in the page as far as there is room. */
  readonly films?: boolean | undefined;
  /** Folder of another evaluation, whose rollouts can be watched in step with these. */
  readonly beside?: string | undefined;
  /** Films made, and how many there are. */
  readonly progress?: ((done: number, total: number) => void) | undefined;
  /** Carry every recording in the page, however large it becomes. */
  readonly whole?: boolean | undefined;
  /** Which forms are written ('html'). */
  readonly forms?: readonly ReportForm[] | undefined;
}

/** The files of each form of the report, and what each file holds. */
const FORMS = {
  html: { 'report.html': reportPage },
  md: { 'report.md': markdownReport },
  csv: { 'report.csv': scoresCsv, 'episodes.csv': episodesCsv },
} as const;

export type ReportForm = keyof typeof FORMS;
export const REPORT_FORMS = Object.keys(FORMS) as ReportForm[];

/**
 * Writes `report.html`, or other forms of the report, into an evaluation folder. Recordings that the page has no room
 * for become `rollouts/<unit>/replay.js`, which it loads when they are chosen. @returns the path of the first file
 */
export async function writeReport(folder: string, options: ReportOptions = {}): Promise<string> {
  const { forms = ['html'] } = options;
  const { run, lines, summary, baselines } = await readEvaluation(folder);
  const gathered = await gathers(folder, counted(lines), options);
  const contents = {
    name: policyName(run),
    where: whereOf(run),
    started: run.started,
    fingerprint: JSON.stringify(run.fingerprint),
    perturb: run.fingerprint.perturb,
    provenance: provenanceOf(run),
    policy: { name: 'policy', lines: counted(lines), summary },
    baselines: Object.entries(baselines).map(([name, theirs]) => ({
      name,
      lines: counted(theirs.lines),
      summary: theirs.summary,
    })),
    gathered,
    labels: await readLabels(folder),
    modules: gathered.episodes.some(({ recording }) => recording !== 'none') ? await embeddedThree() : [],
  };
  const files = forms.flatMap((form) => Object.entries<(contents: PageContents) => string>(FORMS[form]));
  for (const [name, write] of files) await writeFileAside(join(folder, name), write(contents));
  return join(folder, files[0]?.[0] ?? 'report.html');
}

/** The recordings, with what was asked for beside them. */
async function gathers(
  folder: string,
  lines: readonly LedgerLine[],
  { whole = false, films = false, beside, progress }: ReportOptions,
): Promise<Gathered> {
  const most = (budget: number) => (whole ? Number.POSITIVE_INFINITY : budget);
  let gathered = await gatherRollouts(folder, lines, most(PAGE_BUDGET));
  if (films) gathered = await withFilms(folder, gathered, { budget: most(FILM_BUDGET), progress });
  if (beside === undefined) return gathered;
  const theirs = await readRecords(beside);
  const name = `${policyName(theirs.run)} (${basename(resolve(beside))})`;
  return withOther(folder, gathered, { whole, other: { folder: beside, name, lines: counted(theirs.lines) } });
}

function whereOf({ fingerprint }: RunFile): string {
  const { challenge } = fingerprint.versions;
  return challenge === undefined
    ? 'in the embedded simulator, each on a scene of its own.'
    : `of the ${challenge} challenge, played by the official evaluator.`;
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
