import { InputError } from '../../base/index.ts';
import type { ColumnToWrite } from './encodeParquet.ts';
import type { EpisodeRecord } from './episodeRecord.ts';

/** Columns that tell what became of a policy's episode; the first three are LeRobot's own names. */
export const OUTCOME_COLUMNS = {
  'next.reward': 'float32',
  'next.done': 'bool',
  'next.success': 'bool',
  'prediction.success': 'float32',
  'prediction.progress': 'float32',
} as const;
export type OutcomeColumn = keyof typeof OUTCOME_COLUMNS;

/** @throws InputError when a column is not as long as the episode, or holds what is no number */
export function outcomeColumns(
  { outcome, episodeIndex }: Pick<EpisodeRecord, 'outcome' | 'episodeIndex'>,
  length: number,
): (ColumnToWrite & { readonly name: OutcomeColumn })[] {
  if (!outcome) return [];
  const last = (value: boolean) => Uint8Array.from({ length }, (_, t) => (value && t === length - 1 ? 1 : 0));
  const columns: Partial<Record<OutcomeColumn, ArrayLike<number> | undefined>> = {
    'next.reward': outcome.rewards,
    'next.done': last(true),
    'next.success': last(outcome.success),
    'prediction.success': outcome.predictedSuccess,
    'prediction.progress': outcome.predictedProgress,
  };
  return (Object.keys(OUTCOME_COLUMNS) as OutcomeColumn[]).flatMap((name) => {
    const data = columns[name];
    if (!data) return [];
    const where = `episode ${episodeIndex}`;
    if (data.length !== length)
      throw new InputError(where, `${name} has ${data.length} numbers (expected ${length}, one a frame).`);
    const bad = Array.from(data).findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new InputError(where, `${name} holds ${data[bad]} in frame ${bad}. Episodes must be finite.`);
    return [{ name, kind: OUTCOME_COLUMNS[name], data }];
  });
}
