/** Opening an episode, and what mouse and keys do. */
export const MAIN = /* js */ `
let player;
let starting;
let current;
let turn = 0;

/** Plays an episode from a step on; brings the player into view unless the page has just been opened. */
async function open(unit, { step = 0, scroll = true } = {}) {
  const episode = byUnit.get(unit);
  if (episode?.video) return openFilm(episode);
  if (!episode || !$('#player')) return;
  const mine = ++turn;
  current = unit;
  if (player) {
    player.rollout = undefined; // the last picture stays until the new recording is there
    if (player.partner) player.partner.rollout = undefined;
  }
  mark();
  announce(episode);
  loadFilm(episode);
  if (scroll) {
    $('#player').focus({ preventScroll: true });
    $('#player').scrollIntoView({ block: 'start' });
    history.replaceState(null, '', '#' + encodeURIComponent(unit));
  }
  try {
    const rollout = await recordingOf(episode);
    const track = await readTrack(rollout.track);
    if (mine !== turn) return;
    shownPicture = undefined;
    describe({ rollout, span: rollout.steps });
    showTime({ rollout, time: step, span: rollout.steps, place: $('.view') });
    starting ??= startPlayer();
    player = await starting;
    if (mine !== turn) return;
    if (scroll) player.playing = !still;
    player.show(rollout, track, step);
    problem();
    offerBeside(episode);
    await showBeside();
  } catch (error) {
    if (mine === turn) problem(error.message);
    if (film) film.controls = true; // it plays where the room cannot be drawn
  }
}

/** Lists an episode that has a film alone, and plays it. */
function openFilm({ task, instance }) {
  listOnly({ task, instances: String(instance) });
  $('.gallery video')?.play().catch(() => {});
}

let library;
async function startPlayer() {
  try {
    library = await loadThree();
    return new Player(library, $('.view'));
  } catch (error) {
    throw new Error('This browser cannot draw the room (' + error.message + ').');
  }
}

const still = matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Says in the view what went wrong, or that nothing did. */
function problem(words) {
  const place = $('.view .message');
  place.hidden = words === undefined;
  if (words !== undefined) place.textContent = words;
}

document.addEventListener('click', ({ target, shiftKey }) => {
  const { unit, step, low, beside: pair } = target.closest('[data-unit], [data-low]')?.dataset ?? {};
  if (pair) besideWanted = pair;
  const beside = shiftKey && player?.rollout && [...besideChoice.options].some(({ value }) => value === unit);
  if (beside) { besideChoice.value = unit; showBeside(); }
  else if (unit) open(unit, { step: Number(step ?? 0) });
  else if (low !== undefined) listRange(target.closest('[data-low]').dataset);
  const go = target.closest('[data-go]')?.dataset.go;
  if (go) { const next = neighbour(Number(go)); if (next) open(next); }
  if (target.closest('.back')) requestAnimationFrame(() => ($$('.cardlet').find((element) => element.dataset.unit === current) ?? form).focus());
  if (target.closest('[data-theme-button]')) {
    changeTheme();
    player?.paint();
    player?.partner?.paint();
  }
  if (!player?.rollout) return;
  const { speed, view, zoom } = target.closest('[data-speed], [data-view], [data-zoom]')?.dataset ?? {};
  if (speed) player.speed = Number(speed);
  if (view) player.mode = view;
  if (zoom) player.zoom(Number(zoom));
  if (target.closest('.go')) toggle();
  player.label();
});

function toggle() {
  if (!player.playing && player.time >= player.span) player.time = 0;
  player.playing = !player.playing;
  player.label();
}

/** Arrow keys within a row of the figure: one tab stop a row. */
function walk(event) {
  const plays = [...event.target.parentElement.querySelectorAll('.play')];
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const next = by ? plays[plays.indexOf(event.target) + by] : { Home: plays[0], End: plays.at(-1) }[event.key];
  if (!next) return;
  event.preventDefault();
  for (const each of plays) each.setAttribute('tabindex', each === next ? '0' : '-1');
  next.focus();
}

document.addEventListener('keydown', (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.matches?.('.figure .play')) {
    if (key === 'Enter' || key === ' ') { event.preventDefault(); target.dispatchEvent(new MouseEvent('click', { bubbles: true })); }
    else walk(event);
    return;
  }
  if (target.closest?.('input, select, summary')) return;
  if (key === 'n' || key === 'p') { const next = neighbour(key === 'n' ? 1 : -1); if (next) open(next); return; }
  if (!player?.rollout || target.closest?.('button, a')) return;
  const { span, rollout: { rate } } = player;
  if (key === ' ') { event.preventDefault(); toggle(); }
  if (key === 'ArrowRight') player.time = Math.min(span, player.time + rate / 2);
  if (key === 'ArrowLeft') player.time = Math.max(0, player.time - rate / 2);
  if (key === '+') player.zoom(0.8);
  if (key === '-') player.zoom(1.25);
});
$('.time input')?.addEventListener('input', ({ target }) => { if (player?.rollout) { player.playing = false; player.time = Number(target.value); player.label(); } });
$('.time input')?.addEventListener('change', ({ target }) => target.blur());

showList();
const asked = decodeURIComponent(location.hash.slice(1));
const first = byUnit.has(asked) ? asked : chooseEpisodes(page.episodes).find(({ recording }) => recording !== 'none')?.unit;
if (first) open(first, { scroll: first === asked });
`;
