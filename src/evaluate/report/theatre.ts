import { escapeHtml } from '../../base/index.ts';
import { title } from './figure.ts';
import type { Gathered } from './gather.ts';

/** The player and, below it, the list of episodes with its order and filters. The page's program fills both. */
export function theatre(gathered: Gathered): string {
  const { episodes } = gathered;
  if (episodes.length === 0) return '';
  const recorded = episodes.some(({ recording }) => recording !== 'none');
  return `<h2 id="rollouts">Rollouts</h2><p class="note">${whereTheyLie(gathered)}</p>
${recorded ? player(episodes.some(({ film }) => film !== undefined)) : ''}
${list(episodes.map(({ task }) => task))}`;
}

/** How many recordings are in the page, beside it, and missing. */
function whereTheyLie({ episodes, damaged }: Gathered): string {
  const count = (place: string) => episodes.filter(({ recording }) => recording === place).length;
  const [page, beside, none] = [count('page'), count('beside'), count('none')];
  const parts = [];
  const films = episodes.filter(({ video }) => video !== undefined).length;
  if (films > 0)
    parts.push(
      `${films === 1 ? 'The film of one episode lies' : `The films of ${films} episodes lie`} beside this file, in ` +
        'rollouts/; keep the folder together.',
    );
  else if (page + beside === 0) parts.push('No recording was kept of these episodes.');
  else if (beside + none === 0) parts.push(`The recordings of all ${page} episodes are in this file.`);
  if (beside > 0)
    parts.push(
      `The recordings of ${page} of ${episodes.length} episodes are in this file, failures first. ` +
        `The other ${beside} lie beside it, in rollouts/, and load when you choose one; keep the folder together.`,
    );
  if (none > 0 && page + beside > 0)
    parts.push(`${none} ${none === 1 ? 'episode has' : 'episodes have'} no recording.`);
  for (const { unit, reason } of damaged)
    parts.push(`The recording of ${escapeHtml(unit)} cannot be read (${escapeHtml(reason)}).`);
  const made = episodes.flatMap(({ film }) => film ?? []);
  if (made.length > 0) {
    const inPage = made.filter((film) => film === 'page').length;
    parts.push(
      `The films of ${inPage} episodes are in this file${inPage < made.length ? `, those of ${made.length - inPage} beside it, in rollouts/` : ''}.`,
    );
  }
  if (page + beside > 0)
    parts.push(
      'The room is drawn anew from recorded poses; beside it is what the robot’s own cameras saw, in true resolution.',
    );
  return parts.join(' ');
}

function player(films: boolean): string {
  const button = (attribute: string, value: string, label: string) =>
    `<button data-${attribute}="${value}" aria-pressed="false">${label}</button>`;
  const camera = (name: string) =>
    `<div class="cam"><div role="img" aria-label="${name} camera" data-camera="${name}"></div><span>${name}</span></div>`;
  return `<section class="panel stage" id="player" tabindex="-1" aria-label="Player"><div><div class="views"><div class="view"><div class="message">Loading the room …</div><div class="tag" hidden></div><div class="clock"></div><div class="hint" hidden></div></div><div class="view second" hidden><div class="message">Loading the room …</div><div class="tag"></div><div class="clock"></div></div></div>
<div class="time"><svg class="lanes" viewBox="0 0 1000 54" preserveAspectRatio="none" aria-hidden="true"></svg><svg class="lanes second" style="display:none" viewBox="0 0 1000 54" preserveAspectRatio="none" aria-hidden="true"></svg><input type="range" min="0" max="1" step="1" value="0" aria-label="Time in control steps"></div><div class="legend"></div>
<div class="controls"><button class="go">Play</button><span class="seg" role="group" aria-label="Speed">${['0.5', '1', '2', '4'].map((speed) => button('speed', speed, `${speed}×`)).join('')}</span><span class="seg" role="group" aria-label="Zoom"><button data-zoom="1.25" aria-label="Farther">−</button><button data-zoom="0.8" aria-label="Nearer">+</button></span><span class="spacer"></span><span class="seg" role="group" aria-label="View">${button('view', 'follow', 'Follow')}${button('view', 'free', 'Free')}${button('view', 'head', 'Head')}${button('view', 'right_wrist', 'Right wrist')}</span><label class="with" hidden>Beside <select name="beside"></select></label></div></div>
<div class="side"><div class="step"><button data-go="-1" aria-label="Previous episode of the list">‹</button><span class="place"></span><button data-go="1" aria-label="Next episode of the list">›</button><a href="#list" class="back">List</a></div><h3></h3><div class="note where"></div><div class="q"></div><ul class="goal"></ul><div class="versus" hidden></div>${films ? '<figure class="film" hidden><video muted playsinline preload="auto"></video><figcaption><a></a></figcaption></figure>' : ''}<div class="cams">${camera('head')}<div class="small">${camera('left wrist')}${camera('right wrist')}</div><div class="note taken"></div></div></div></section>
<details class="keys"><summary>Keys and mouse</summary><p class="note">Drag to turn. Zoom by + and −, by Ctrl and the wheel, or by two fingers. Space plays and pauses, ← and → go half a second, N and P to the next and the previous episode of the list. “Beside”, or Shift and a click on a card, shows a second episode of the task at the same time. In the figure, arrow keys go from dot to dot and Enter plays one.</p></details>`;
}

function list(tasks: readonly string[]): string {
  const names = [...new Set(tasks)];
  const select = (name: string, label: string, options: readonly (readonly [string, string])[]) =>
    `<label>${label} <select name="${name}">${options.map(([value, text]) => `<option value="${escapeHtml(value)}">${escapeHtml(text)}</option>`).join('')}</select></label>`;
  return `<form class="choice" id="list" aria-label="Which episodes, in which order">${select('task', 'Task', [['', 'all'], ...names.map((name) => [name, title(name)] as const)])}${select(
    'result',
    'Result',
    [
      ['all', 'all'],
      ['open', 'not done'],
      ['partly', 'partly done'],
      ['nothing', 'nothing done'],
      ['done', 'done'],
      ['rules', 'a rule fired'],
    ],
  )}${select('order', 'Order', [
    ['worst', 'failures first'],
    ['best', 'successes first'],
    ['instance', 'instance'],
    ['longest', 'longest first'],
    ['shortest', 'shortest first'],
  ])}<label>Instances <input name="instances" type="text" size="8" placeholder="3, 7-9" autocomplete="off"></label><button type="button" class="range" hidden></button><button type="reset">Clear</button><output class="count" aria-live="polite"></output></form>
<div class="gallery"></div><p><button class="more" hidden></button></p>`;
}
