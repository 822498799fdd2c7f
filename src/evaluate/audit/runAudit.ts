import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, makeFolder, Progress, writeFileAside } from '../../base/index.ts';
import { counted, type LedgerLine, runFilePath } from '../ledger/index.ts';
import { readRecords } from '../report/index.ts';
import { evaluate } from '../rollouts/index.ts';
import { auditMarkdown } from './auditMarkdown.ts';
import { auditPage } from './auditPage.ts';
import { type AuditResult, auditTables, type PlayedCell } from './auditTables.ts';
import { type AuditCell, auditCells, type CellOptions } from './cells.ts';

export interface AuditOptions extends CellOptions {
  /** How the page calls the policy. */
  readonly name: string;
  readonly tasks: readonly string[];
  readonly out: string;
  /** Evaluations of policies of other data: `400 demonstrations` and its folder. */
  readonly sources?: readonly { readonly label: string; readonly folder: string }[] | undefined;
  readonly workers?: number | undefined;
  /** Fewer steps than the tasks' time-outs, for tests. */
  readonly maxSteps?: number | undefined;
  readonly silent?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears which cell begins. */
  readonly say?: ((line: string) => void) | undefined;
}

/**
 * Plays every cell into OUT/cells/<name>, and writes what they come to: `audit.html`, `audit.md`, `audit.json`, and
 * every episode in short form, `ledgers.jsonl`. Goes on where it was interrupted; a cell with fewer is filled up.
 * @throws InputError for a source that is no evaluation; ValetError (interrupted) when `signal` ended it
 */
export async function runAudit(options: AuditOptions): Promise<AuditResult> {
  const { out, tasks, silent, signal, maxSteps, workers } = options;
  const sources = await Promise.all((options.sources ?? []).map(readSource));
  const cells = auditCells(options);
  await makeFolder(join(out, 'cells'));
  const total = cells.reduce((sum, { instances }) => sum + tasks.length * instances.length, 0);
  const progress = new Progress('audit', total, { unit: 'episodes', ...(silent !== undefined && { silent }) });
  let before = 0;
  const played: PlayedCell[] = [];
  try {
    for (const [i, cell] of cells.entries()) {
      const folder = join(out, 'cells', cell.name);
      options.say?.(`${i + 1}/${cells.length} ${cell.label}`);
      await evaluate({
        ...{ policy: cell.policy, tasks, instances: cell.instances, out: folder, seed: cell.seed, workers, maxSteps },
        ...(cell.perturb && { perturb: [cell.perturb] }),
        record: false,
        resume: existsSync(runFilePath(folder)),
        silent: true,
        signal,
        onEpisode: (done) => progress.at(before + done, cell.label),
      });
      before += tasks.length * cell.instances.length;
      progress.at(before, cell.label);
      const { lines, run } = await readRecords(folder);
      played.push({ ...cell, run, lines: own(lines, cell, tasks) });
    }
  } finally {
    progress.end();
  }
  const result = auditTables({ name: options.name, tasks, seed: options.seed, cells: played, sources });
  await writeFileAside(join(out, 'audit.json'), `${JSON.stringify(result, null, 1)}\n`);
  await writeFileAside(join(out, 'ledgers.jsonl'), compact(played));
  await writeFileAside(join(out, 'audit.md'), auditMarkdown(result));
  await writeFileAside(join(out, 'audit.html'), auditPage(result));
  return result;
}

/** The counted episodes of a cell: its folder may hold more, of an audit with more episodes. */
function own(lines: readonly LedgerLine[], { instances }: AuditCell, tasks: readonly string[]): LedgerLine[] {
  return counted(lines).filter(({ task, instance }) => tasks.includes(task) && instances.includes(instance));
}

/** A line an episode, in the order of tasks and instances. */
function compact(cells: readonly PlayedCell[]): string {
  const rows = cells.flatMap(({ name, lines }) =>
    [...lines]
      .sort((a, b) => a.task.localeCompare(b.task) || a.instance - b.instance || a.rollout - b.rollout)
      .map(({ task, instance, rollout, q, steps, perturbations }) => {
        const [first] = perturbations ?? [];
        return { cell: name, task, instance, rollout, q, steps, ...(first && { struck: first.struck }) };
      }),
  );
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Another policy's evaluation. */
async function readSource({ label, folder }: { readonly label: string; readonly folder: string }) {
  const lines = counted((await readRecords(folder)).lines);
  if (lines.length === 0) throw new InputError('--source', `${folder} holds no counted episode.`);
  return { label, lines };
}
