import type { EvaluationSummary } from '../scores/index.ts';
import { CLIENT } from './client.ts';
import { type Series, scoreFigure, title } from './figure.ts';
import { embeddedJson, escapeHtml } from './html.ts';
import type { PageRollout } from './rollouts.ts';
import { STYLE } from './style.ts';
import type { EmbeddedModule } from './three.ts';
import { TRACK_METRES, TRACK_STRIDE } from './track.ts';

/** Everything that the page shows. */
export interface PageContents {
  readonly name: string;
  readonly started: string;
  readonly seed: string;
  readonly fingerprint: string;
  readonly summary: EvaluationSummary;
  readonly baselines: Readonly<Record<string, EvaluationSummary>>;
  /** The policy first, then the baselines. */
  readonly series: readonly Series[];
  readonly rollouts: readonly PageRollout[];
  readonly modules: readonly EmbeddedModule[];
}

/** The report as one file of HTML that asks nothing of any network. */
export function reportPage(contents: PageContents): string {
  const { name, started, seed, summary, baselines, series, rollouts, modules } = contents;
  const titles = Object.fromEntries(Object.keys(summary.tasks).map((task) => [task, title(task)]));
  const first = rollouts.find((rollout) => rollout.success) ?? rollouts[0];
  const data = { rollouts, titles, first: first?.unit, stride: TRACK_STRIDE, metres: TRACK_METRES };
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Valet: ${escapeHtml(name)}</title>
<link rel="icon" href="data:,"><style>${STYLE}</style></head><body><main>
<div class="top"><span><b>Valet</b> · evaluation · ${escapeHtml(started.slice(0, 16).replace('T', ' '))} UTC</span><button data-theme-button>Light / dark</button></div>
${headline(contents)}
<h2>Scores</h2><p class="note">Each dot is an episode at its q-score: the share of the goal that it achieved. The line is the mean, the band its 95 % interval.${rollouts.length > 0 ? ' Click a filled dot to watch its episode.' : ''}</p>
<div class="panel">${series[0]?.lines.length ? scoreFigure(series, seed) : '<p>No episode has been counted yet.</p>'}</div>
<div class="panel scroll">${table(summary, baselines)}</div>
${invalidNote(summary)}${firings(rollouts)}${rollouts.length > 0 ? theatre(rollouts) : ''}
<footer><p>q is 1 when the task is done; otherwise the share of the goal's statements that were false at the start and are true at the end. Intervals: percentile bootstrap over a task's episodes (10,000 resamples, seeded); where every instance was played with several seeds, the two-way random model over instances and seeds; Wilson's wider bounds for fewer than 10 episodes, for scores that are all alike, and for success rates; over tasks, the tasks' intervals combined (MOVER).</p><p><code>${escapeHtml(contents.fingerprint)}</code></p></footer>
</main>
<script type="application/json" id="data">${embeddedJson(data)}</script>
${rollouts.length > 0 ? modules.map(({ specifier, data }) => `<script type="text/x-module" data-specifier="${specifier}">${data}</script>`).join('\n') : ''}
<script type="module">${CLIENT}</script>
</body></html>
`;
}

function headline({ name, summary, baselines }: PageContents): string {
  const { q, episodes, tasks } = summary;
  const taskCount = Object.keys(tasks).length;
  const successes = Object.values(tasks).reduce((sum, task) => sum + Math.round(task.success * task.episodes), 0);
  const number = (value: number) => (Number.isFinite(value) ? value.toFixed(2) : '–');
  const cell = (kind: string, big: string, label: string, small: string) =>
    `<div class="number ${kind}"><div class="small">${escapeHtml(label)}</div><div class="big">${big}</div><div class="small">${small}</div></div>`;
  const others = Object.entries(baselines).map(([other, { q: theirs }]) =>
    cell('', number(theirs.mean), `q of “${other}”`, `${number(theirs.low)} – ${number(theirs.high)}`),
  );
  return `<h1>${escapeHtml(name)}</h1>
<p class="lead">${episodes} episodes of ${taskCount} household ${taskCount === 1 ? 'task' : 'tasks'} in the embedded simulator, each on a scene of its own.</p>
<div class="numbers">${cell('main', number(q.mean), 'q-score', `95 % interval ${number(q.low)} – ${number(q.high)}`)}${cell('', `${successes}<span style="font-size:.6em;color:var(--soft)"> / ${episodes}</span>`, 'tasks done', 'q = 1')}${others.join('')}</div>`;
}

function table(summary: EvaluationSummary, baselines: Readonly<Record<string, EvaluationSummary>>): string {
  const names = Object.keys(baselines);
  const rows = Object.entries(summary.tasks).map(
    ([task, { q, low, high, success, episodes }]) =>
      `<tr><td>${escapeHtml(title(task))}</td><td>${q.toFixed(3)}</td><td>${low.toFixed(3)} – ${high.toFixed(3)}</td><td>${(100 * success).toFixed(0)} %</td><td>${episodes}</td>${names.map((name) => `<td>${baselines[name]?.tasks[task]?.q.toFixed(3) ?? '–'}</td>`).join('')}</tr>`,
  );
  const { q, episodes } = summary;
  const last = `<tr class="total"><td>Mean over tasks</td><td>${q.mean.toFixed(3)}</td><td>${q.low.toFixed(3)} – ${q.high.toFixed(3)}</td><td></td><td>${episodes}</td>${names.map((name) => `<td>${baselines[name]?.q.mean.toFixed(3)}</td>`).join('')}</tr>`;
  return `<table><thead><tr><th>Task</th><th>q</th><th>95 % interval</th><th>Done</th><th>Episodes</th>${names.map((name) => `<th>q ${escapeHtml(name)}</th>`).join('')}</tr></thead><tbody>${rows.join('')}${last}</tbody></table>`;
}

function invalidNote({ invalid }: EvaluationSummary): string {
  if (!invalid) return '';
  const items = invalid.map(({ unit, reason }) => `<li>${escapeHtml(unit)}: ${escapeHtml(reason)}</li>`).join('');
  return `<h2>Not counted</h2><p class="note">These episodes broke off twice and are in no mean.</p><ul class="note">${items}</ul>`;
}

/** Each firing of a rule of System 2, with its reason. */
function firings(rollouts: readonly PageRollout[]): string {
  const rows = rollouts.flatMap(({ unit, rules, rate }) =>
    rules.map(
      ([step, name, reason]) =>
        `<tr><td>${escapeHtml(unit)}</td><td>${(step / rate).toFixed(1)} s</td><td>${escapeHtml(name)}</td><td>${escapeHtml(reason)}</td></tr>`,
    ),
  );
  if (rows.length === 0) return '';
  return `<details class="firings"><summary>Rules that fired: ${rows.length}</summary><div class="panel scroll"><table><thead><tr><th>Episode</th><th>At</th><th>Rule</th><th>Why</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></details>`;
}

function theatre(rollouts: readonly PageRollout[]): string {
  const button = (attribute: string, value: string, label: string) =>
    `<button data-${attribute}="${value}" aria-pressed="false">${label}</button>`;
  const cards = rollouts.map(
    ({ unit, task, instance, q, steps, rate, poster }) =>
      `<button class="cardlet" data-unit="${escapeHtml(unit)}"><img alt="The room at the end of the episode" src="${poster}"><span class="text"><span>${escapeHtml(title(task))}<i>instance ${instance} · ${(steps / rate).toFixed(1)} s</i></span><span class="chip${q === 1 ? ' full' : ''}">${q.toFixed(2)}</span></span></button>`,
  );
  return `<h2 id="rollouts">Rollouts</h2><p class="note">The recorded poses, drawn anew: drag to turn, scroll to come nearer. At the right, what the robot's own cameras saw, in their true resolution.</p>
<div class="panel stage"><div><div class="view"><div class="message">Loading the room …</div><div class="clock"></div></div>
<div class="time"><svg viewBox="0 0 1000 54" preserveAspectRatio="none"></svg><input type="range" min="0" max="1" step="1" value="0" aria-label="Time"></div><div class="legend"></div>
<div class="controls"><button class="go">Play</button><span class="seg">${['0.5', '1', '2', '4'].map((speed) => button('speed', speed, `${speed}×`)).join('')}</span><span class="spacer"></span><span class="seg">${button('view', 'follow', 'Follow')}${button('view', 'free', 'Free')}${button('view', 'head', 'Head')}${button('view', 'right_wrist', 'Right wrist')}</span></div></div>
<div class="side"><h3></h3><div class="note where"></div><div class="q"></div><ul class="goal"></ul><div class="cams"><div class="cam"><div></div><span>head</span></div><div class="small"><div class="cam"><div></div><span>left wrist</span></div><div class="cam"><div></div><span>right wrist</span></div></div></div></div></div>
<div class="gallery">${cards.join('')}</div>`;
}
