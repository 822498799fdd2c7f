import { Progress } from '../../base/index.ts';
import { FILM_BUDGET } from '../../evaluate/index.ts';

export const VIDEO_HELP =
  'a film of every recorded rollout (H.264 MP4) in the report; ' +
  `up to ${FILM_BUDGET / 1e6} MB of them within the page, the others beside it`;

/** Tells how many films were made. */
export function filmProgress(silent: boolean): (done: number, total: number) => void {
  let bar: Progress | undefined;
  return (done, total) => {
    bar ??= new Progress('films', total, { unit: 'films', silent });
    bar.at(done);
    if (done === total) bar.end();
  };
}
