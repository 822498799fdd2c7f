import { existsSync } from 'node:fs';
import { copyFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InputError, jsonText, makeFolder, removeAbandoned, writeFolderAside } from '../../base/index.ts';
import { type LedgerLine, lineText, type RunFile, runFilePath, unitName } from '../ledger/index.ts';
import { EDITIONS, type Edition, knownTask, type Year } from './edition.ts';
import { judgeOfficial } from './judgeOfficial.ts';
import type { Findings } from './officialChecks.ts';
import { firstOfEach, type OfficialFile } from './officialFolder.ts';
import type { OfficialRecord } from './officialResult.ts';
import { readPublished } from './publishedScores.ts';
import { requireOfficial } from './requireOfficial.ts';

export interface IngestOptions {
  /** Needed where the files do not tell. */
  readonly year?: Year | undefined;
  /** A title for tables and pages; the team, or the folder's name otherwise. */
  readonly label?: string | undefined;
}

/** What was taken in. */
export interface Ingested {
  readonly rollouts: number;
  readonly videos: number;
  readonly findings: Findings;
}

/**
 * Takes results of the official evaluator into an evaluation folder of Valet: run.json, ledger.jsonl, json/, and the
 * films as `rollouts/<unit>/video.mp4`. `source` is the evaluator's folder, a submission's, or a JSON file of published
 * scores. What is broken is left out and told.
 * @throws InputError when `out` exists, there is nothing to take in, or the year cannot be told
 */
export async function ingestOfficial(source: string, out: string, options: IngestOptions = {}): Promise<Ingested> {
  if (existsSync(out)) throw new InputError(out, 'exists already. Choose another folder or remove it first.');
  await removeAbandoned(out);
  if ((await stat(source).catch(() => undefined))?.isFile()) return ingestScores(source, out, options);
  await requireOfficial(source);
  const { official, named, edition, findings } = await judgeOfficial(source, options);
  const files = firstOfEach(official.files.filter(({ record }) => isUsable(record)));
  if (files.length === 0)
    throw new InputError(source, `has no result that can be read. The first problem: ${findings.problems[0]?.message}`);
  const lines = await Promise.all(files.map((file) => lineOf(file, edition)));
  const label = options.label ?? named?.team.replaceAll('_', ' ') ?? official.name;
  const run = runOf(edition, lines, label, { source: basename(source), ...(named && { submission: named }) });
  await writeFolderAside(out, async (at) => {
    await writeRecords(at, run, lines);
    await makeFolder(join(at, 'json'));
    for (const [i, file] of files.entries()) {
      const unit = unitName(lines[i] as LedgerLine);
      await copyFile(file.path, join(at, 'json', `${unit}.json`));
      if (!file.video) continue;
      await makeFolder(join(at, 'rollouts', unit));
      await copyFile(file.video, join(at, 'rollouts', unit, 'video.mp4'));
    }
  });
  return { rollouts: lines.length, videos: files.filter(({ video }) => video).length, findings };
}

async function ingestScores(source: string, out: string, { year, label }: IngestOptions): Promise<Ingested> {
  const published = await readPublished(source);
  const edition = EDITIONS[year ?? published.year];
  const started = (await stat(source)).mtime.toISOString();
  const lines = published.scores.map(({ task, instance, rollout, q }) => ({
    ...emptyLine(task, instance, edition),
    ...{ rollout, started, q, success: q === 1 },
  }));
  const title = label ?? published.team ?? basename(source, '.json');
  const run = runOf(edition, lines, title, { source: basename(source), scoresOnly: true });
  await writeFolderAside(out, (at) => writeRecords(at, run, lines));
  return { rollouts: lines.length, videos: 0, findings: { problems: [], notes: [] } };
}

/** Whether its numbers can be counted: a share of the goal, steps, metres. */
const isUsable = ({ q_score: { final }, time, agent_distance: { base, left, right } }: OfficialRecord): boolean =>
  final >= 0 && final <= 1 && time.simulator_steps >= 0 && [base, left, right].every(Number.isFinite);

async function lineOf(file: OfficialFile, edition: Edition): Promise<LedgerLine> {
  const { record } = file;
  const q = record.q_score.final;
  return {
    ...emptyLine(file.task, file.instance, edition),
    rollout: file.rollout,
    started: (await stat(file.path)).mtime.toISOString(),
    q,
    success: q === 1,
    steps: record.time.simulator_steps,
    ...(!knownTask(file.task) && { maxSteps: record.time.simulator_steps }),
    distance: record.agent_distance,
  };
}

/** A line without what the evaluator does not tell: the goal's literals, plans, its own running time. */
function emptyLine(task: string, instance: number, edition: Edition): LedgerLine {
  const known = knownTask(task);
  return {
    task,
    instance,
    rollout: 0,
    state: 'done',
    attempt: 1,
    worker: 0,
    started: '',
    seconds: 0,
    q: 0,
    success: false,
    steps: 0,
    maxSteps: known ? edition.maxSteps(known) : 0,
    distance: { base: 0, left: 0, right: 0 },
    goal: [],
    plans: 0,
  };
}

function runOf(
  edition: Edition,
  lines: readonly LedgerLine[],
  label: string,
  policy: Record<string, unknown>,
): RunFile {
  return {
    fingerprint: {
      policy: { kind: 'official', ...policy },
      seed: null,
      maxSteps: null,
      edition: edition.year,
      perturb: [],
      versions: { challenge: edition.year },
    },
    label,
    tasks: [...new Set(lines.map(({ task }) => task))],
    instances: [...new Set(lines.map(({ instance }) => instance))].sort((a, b) => a - b),
    // What was asked for is not told.
    asked: [],
    started: lines.map(({ started }) => started).sort()[0] ?? '',
    node: process.version,
  };
}

async function writeRecords(at: string, run: RunFile, lines: readonly LedgerLine[]): Promise<void> {
  await writeFile(runFilePath(at), jsonText(run));
  await writeFile(join(at, 'ledger.jsonl'), lines.map((line) => `${lineText(line)}\n`).join(''));
}
