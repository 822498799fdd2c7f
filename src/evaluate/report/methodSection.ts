import { quantile } from '../scores/index.ts';
import { addFacts, type MethodFacts } from './method.ts';
import { stageRows, timeRows } from './tableRows.ts';
import { plainTable } from './tables.ts';

const BINS = 24;
/** Plans that took longer than this share of all stand in the last bar, so that one pause does not squeeze the rest. */
const SHOWN = 0.99;

/**
 * How the method worked: stages before and after the vote, and how long plans took. Nothing where no recording tells.
 */
export function methodSection(tasks: ReadonlyMap<string, MethodFacts>): string {
  const all = addFacts([...tasks.values()]);
  const [stages, times] = [stageRows(tasks), timeRows(all)];
  const parts: string[] = [];
  if (stages)
    parts.push(
      '<p class="note">Each plan predicts the stage of the task. Votes of several plans decide on the stage that ' +
        'the policy goes by. Both are compared with the true stage at the moment of the plan. A vote takes at least ' +
        'two plans, so that in short episodes the voted stage lags.</p>' +
        `<div class="panel scroll">${plainTable(stages)}</div>`,
    );
  if (times)
    parts.push(
      '<p class="note">How long plans took, while the evaluation’s other work ran beside them.</p>' +
        `<div class="panel">${histogram(all.planMs)}<div class="scroll">${plainTable(times)}</div></div>`,
    );
  return parts.length === 0 ? '' : `<h2>How it planned</h2>${parts.join('')}`;
}

/** Bars over milliseconds, as a picture that widens with the window. */
function histogram(values: readonly number[]): string {
  const [low, high] = [quantile(values, 0), quantile(values, SHOWN)];
  const width = (high - low) / BINS || 1;
  const counts = new Array<number>(BINS).fill(0);
  for (const value of values) {
    const bin = Math.min(BINS - 1, Math.floor((value - low) / width));
    counts[bin] = (counts[bin] as number) + 1;
  }
  const most = Math.max(...counts);
  const longer = quantile(values, 1) > high;
  const bars = counts.map((count, i) => {
    const from = `${(low + i * width).toFixed(1)}`;
    const words =
      longer && i === BINS - 1 ? `${from} ms and more` : `${from} to ${(low + (i + 1) * width).toFixed(1)} ms`;
    return `<i style="--h:${(count / most).toFixed(3)}" title="${words}: ${count} plans"></i>`;
  });
  const [longest, median] = [quantile(values, 1), quantile(values, 0.5)].map((value) => value.toFixed(1));
  const words = `Plan times from ${low.toFixed(1)} to ${longest} ms, median ${median} ms`;
  return (
    `<div class="bins" role="img" aria-label="${words}">${bars.join('')}</div>` +
    `<div class="bins-axis"><span>${low.toFixed(0)} ms</span>` +
    `<span>plans by their time; the highest bar: ${most}</span>` +
    `<span>${high.toFixed(0)} ms${longer ? ' and more' : ''}</span></div>`
  );
}
