import { InputError } from '../../base/index.ts';
import { type ColumnRanges, widthOf } from './actionColumns.ts';
import type { FastTokenizer } from './fastTokenizer.ts';

/**
 * A vocabulary encodes the chunks that it is used on: as long, and the same columns of the action.
 * @throws InputError with both shapes
 */
export function requireVocabularyFit(
  where: string,
  { settings, metadata }: Pick<FastTokenizer, 'settings' | 'metadata'>,
  { horizon, columns }: { readonly horizon: number; readonly columns: ColumnRanges },
): void {
  const width = widthOf(columns);
  const own = metadata?.encoded_dim_ranges;
  const sameColumns = own === undefined || String(each(own)) === String(each(columns));
  const { horizon: ownHorizon = horizon, width: ownWidth = own ? widthOf(own) : width } = settings;
  if (ownHorizon === horizon && ownWidth === width && sameColumns) return;
  const named = (ranges: ColumnRanges | undefined): string =>
    ranges ? ` (columns ${ranges.map((range) => range.join(':')).join(',')})` : '';
  throw new InputError(
    where,
    `encodes chunks of ${ownHorizon} × ${ownWidth}${named(own)}; those here are of ${horizon} × ${width}` +
      `${named(columns)}. Fit a vocabulary on this robot's data: valet tokenizer fit.`,
  );
}

const each = (ranges: ColumnRanges): number[] =>
  ranges.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i));
