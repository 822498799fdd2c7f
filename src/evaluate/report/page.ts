import { escapeHtml } from '../../base/index.ts';
import type { Label } from '../labels/index.ts';
import { CLIENT } from './client/index.ts';
import { type Series, scoreFigure, title } from './figure.ts';
import type { Gathered } from './gather.ts';
import { heatMap } from './heatMap.ts';
import { embeddedJson } from './html.ts';
import { labelChart } from './labelChart.ts';
import { methodSection } from './methodSection.ts';
import { STYLE } from './style.ts';
import { scoreRows } from './tableRows.ts';
import { firingTable, headline, missingNote, plainTable } from './tables.ts';
import { theatre } from './theatre.ts';
import type { EmbeddedModule } from './three.ts';
import { TRACK_METRES, TRACK_STRIDE } from './track.ts';

/** Everything that the page shows. */
export interface PageContents {
  readonly name: string;
  /** Where the episodes were played, as it ends "50 episodes of 2 tasks …". */
  readonly where: string;
  readonly started: string;
  readonly fingerprint: string;
  /** What goes wrong in every episode: `axis:level`. */
  readonly perturb: readonly string[];
  /** Which code, weights and statistics made the scores: name and value. */
  readonly provenance: readonly (readonly [string, string])[];
  /** The policy. */
  readonly policy: Series;
  readonly baselines: readonly Series[];
  readonly gathered: Gathered;
  /** Why episodes failed, as far as anybody says. */
  readonly labels: readonly Label[];
  readonly modules: readonly EmbeddedModule[];
}

const provenanceList = (lines: PageContents['provenance']): string =>
  `<dl class="made">${lines.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`;

/** With more tasks the strips would be several windows high: they are folded in. */
const MOST_STRIPS = 12;
/** With fewer tasks the strips show all that a heat map would. */
const FEWEST_ROWS = 3;

/** Units that the page can play: by their recordings, or by films. */
const watchable = ({ episodes }: Gathered): ReadonlySet<string> =>
  new Set(
    episodes.filter(({ recording, video }) => recording !== 'none' || video !== undefined).map(({ unit }) => unit),
  );

/** The strips of dots and, for many tasks, the heat map before them. */
function figures(contents: PageContents): string {
  const { policy, baselines, gathered } = contents;
  const { lines, summary } = policy;
  if (lines.length === 0) return '<div class="panel"><p>Nothing to draw yet.</p></div>';
  const count = Object.keys(summary.tasks).length;
  const watch =
    contents.modules.length > 0 ? ' <span class="screen">Choose one of the policy’s to watch its episode.</span>' : '';
  const strips = `<p class="note">Each dot is an episode at its q. Above the dots, the line is the mean and the band its 95 % interval.${watch}</p><div class="panel">${scoreFigure([policy, ...baselines])}</div>`;
  if (count < FEWEST_ROWS) return strips;
  const map =
    '<p class="note">Each cell is an episode, coloured by its q, the best first. Tasks stand by length, the shortest first; ' +
    'the small number is the time-out in steps.</p>' +
    `<div class="panel">${heatMap(lines, watchable(gathered))}</div>`;
  if (count <= MOST_STRIPS) return map + strips;
  return `${map}<details class="firings"><summary>Every episode as a dot, task by task, with means and intervals</summary>${strips}</details>`;
}

const perturbNote = (perturb: readonly string[]): string =>
  perturb.length === 0
    ? ''
    : `<p class="note">In every episode something goes wrong by intention: <b>${perturb.map(escapeHtml).join(', ')}</b>. ` +
      'Each episode of the player says whether it struck, and when.</p>\n';

/** The report as a page that asks nothing of any network. */
export function reportPage(contents: PageContents): string {
  const { name, started, policy, baselines, gathered, modules } = contents;
  const { summary } = policy;
  const others = Object.fromEntries(baselines.map((series) => [series.name, series.summary]));
  const tasks = [...Object.keys(summary.tasks)];
  const data = {
    episodes: gathered.episodes,
    titles: Object.fromEntries(tasks.map((task) => [task, title(task)])),
    stride: TRACK_STRIDE,
    metres: TRACK_METRES,
  };
  const recordings = [...gathered.inside].map(
    ([unit, json]) => `<script type="application/json" data-recording="${escapeHtml(unit)}">${json}</script>`,
  );
  const films = [...(gathered.films ?? [])].map(
    ([unit, text]) => `<script type="text/plain" data-film="${escapeHtml(unit)}">${text}</script>`,
  );
  const library = modules.map(
    (module) => `<script type="text/x-module" data-specifier="${module.specifier}">${module.data}</script>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Valet: ${escapeHtml(name)}</title>
<link rel="icon" href="data:,"><style>${STYLE}</style></head><body><main>
<div class="top"><span><b>Valet</b> · evaluation · ${escapeHtml(started.slice(0, 16).replace('T', ' '))} UTC</span><button data-theme-button>Light / dark</button></div>
${headline(name, summary, others, contents.where)}
${perturbNote(contents.perturb)}<h2>Scores</h2>
<p class="note">An episode’s q is 1 when its task is done, and else the share of the goal that it reached.</p>
${figures(contents)}
<p class="note">q = episodes done + partial credit, which is what episodes bring that are not done.</p>
<div class="panel scroll">${plainTable(scoreRows(summary, others))}</div>
${missingNote(summary)}${labelChart(contents.labels, policy.lines, watchable(gathered))}${methodSection(gathered.method)}${firingTable(gathered)}${theatre(gathered)}
<footer><p>q is 1 when the task is done; otherwise the share of the goal's statements that were false at the start and are true at the end. Intervals: Wilson's bounds for as many yes-or-no episodes as would vary as much as the scores do, with Student's quantile; where every instance was played with several seeds, the variance is that of the two-way random model over instances and seeds; over tasks, the tasks' intervals combined (MOVER).</p>${provenanceList(contents.provenance)}<details><summary>Everything that must be the same to go on with it</summary><p><code>${escapeHtml(contents.fingerprint)}</code></p></details></footer>
</main>
<script type="application/json" id="data">${embeddedJson(data)}</script>
${[...recordings, ...films].join('\n')}
${library.join('\n')}
<script type="module">${CLIENT}</script>
</body></html>
`;
}
