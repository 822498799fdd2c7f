import { readFile } from 'node:fs/promises';
import { InputError } from '../../base/index.ts';
import { unitName } from '../ledger/index.ts';
import { type Label, labelsOf, requirePerson, requireUnit } from './vocabulary.ts';

/**
 * A person's labels from a table (CSV, RFC 4180): columns `unit`, or `task`, `instance` and `rollout`; `labels` with
 * `+` between several; and `reason`, if it likes. `episodes.csv` of a report is such a table. Rows without labels say
 * nothing.
 * @param units episodes that there are
 * @throws InputError that names the row
 */
export async function readLabelFile(path: string, by: string, units: ReadonlySet<string>): Promise<Label[]> {
  requirePerson(by);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InputError(path, `cannot be read (${error.code ?? error.message}). Check the path.`);
  });
  const [head = [], ...rows] = parseCsv(path, text.replace(/^\uFEFF/, ''));
  const named = head.includes('unit') || ['task', 'instance'].every((name) => head.includes(name));
  if (!named || !head.includes('labels'))
    throw new InputError(
      path,
      `has the columns ${head.join(', ') || 'none'} (expected unit, or task and instance; and labels).`,
    );
  return rows.flatMap((row, i) => {
    const cell = (name: string) => row[head.indexOf(name)]?.trim() ?? '';
    if (cell('labels') === '') return [];
    const where = `${path}, row ${i + 2}`;
    const [instance, rollout] = [Number(cell('instance')), Number(cell('rollout'))];
    const unit = cell('unit') || unitName({ task: cell('task'), instance, rollout });
    requireUnit(where, unit, units);
    const labels = labelsOf(cell('labels'));
    if (labels.length === 0)
      throw new InputError(where, `${cell('labels')} names no label. Write LABEL or LABEL+LABEL.`);
    const reason = cell('reason');
    return labels.map((label) => ({ unit, ...label, by, ...(reason && { reason }) }));
  });
}

/**
 * Rows of cells; a cell in quotes may hold commas, line breaks and doubled quotes. Empty rows are none.
 * @throws InputError where a quote is not closed, or stands within a cell
 */
function parseCsv(path: string, text: string): string[][] {
  const rows: string[][] = [[]];
  const cells = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/g;
  let at = 0;
  for (const { index, 0: whole, 1: cell = '', 2: end = '' } of text.matchAll(cells)) {
    if (index !== at) throw new InputError(path, `has a quote that is not closed, in row ${rows.length}.`);
    if (whole === '') break;
    at += whole.length;
    (rows.at(-1) as string[]).push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end !== ',') rows.push([]);
  }
  return rows.filter((row) => row.some((cell) => cell !== ''));
}
