/** The list of episodes: order, filters, cards. */
export const LIST = /* js */ `
/** Cards that are made at once; a button makes the next ones. */
const CARDS = 60;
const form = $('#list');
let cards = CARDS;
/** Bounds of q, when a bar of the figure was chosen. */
let bounds = {};

/** Where nothing was recorded at all, cards are texts alone. */
const pictured = page.episodes.some(({ poster, video }) => poster || video);
$('.gallery')?.classList.toggle('plain', !pictured);

function chosen() {
  const value = (name) => form?.elements[name].value;
  return chooseEpisodes(page.episodes, { task: value('task'), result: value('result'), order: value('order'), instances: value('instances'), ...bounds });
}

function card(episode) {
  const film = episode.video && '<video controls preload="none" playsinline src="' + escape(episode.video) + '" aria-label="' + escape(spoken(episode)) + '"></video>';
  const tag = film ? 'div' : 'button';
  const picture = film || (episode.poster ? '<img loading="lazy" alt="The room at the end: ' + escape(spoken(episode)) + '" src="' + escape(episode.poster) + '">' : pictured ? '<span class="nothing">no recording</span>' : '');
  const rules = episode.rules > 0 ? ' · ' + episode.rules + (episode.rules === 1 ? ' rule' : ' rules') : '';
  return '<' + tag + ' class="cardlet" data-unit="' + escape(episode.unit) + '"' + (episode.recording === 'none' && !film ? ' disabled' : '') + '>' + picture + '<span class="text"><span>' + escape(page.titles[episode.task] ?? episode.task) + '<i>instance ' + episode.instance + (episode.rollout ? ', rollout ' + (episode.rollout + 1) : '') + (episode.steps > 0 ? ' · ' + seconds(episode.seconds) : '') + rules + '</i></span><span class="chip' + (episode.success ? ' full' : episode.q === 0 ? ' none' : '') + '">' + episode.q.toFixed(2) + '</span></span></' + tag + '>';
}

function showList() {
  if (!form) return;
  const episodes = chosen();
  const shown = episodes.slice(0, cards);
  $('.gallery').innerHTML = shown.map(card).join('') || '<p class="note">No episode is like that. Clear the filters to see all.</p>';
  text($('.count'), episodes.length === page.episodes.length ? episodes.length + ' episodes' : episodes.length + ' of ' + page.episodes.length + ' episodes');
  const left = episodes.length - shown.length;
  $('.more').hidden = left === 0;
  text($('.more'), 'Show ' + (left > CARDS ? CARDS + ' more of the other ' + left : 'the other ' + left));
  $('.range').hidden = bounds.low === undefined;
  if (bounds.low !== undefined) text($('.range'), 'q ' + bounds.low.toFixed(2) + (bounds.high > bounds.low ? ' to ' + bounds.high.toFixed(2) : '') + ' ×');
  mark();
}

/** Marks the chosen episode wherever it stands, and its place in the list. */
function mark() {
  if (!current) return;
  for (const element of $$('.cardlet')) element.setAttribute('aria-current', String(element.dataset.unit === current));
  for (const element of $$('.figure [data-unit]')) element.classList.toggle('on', element.dataset.unit === current);
  const episodes = chosen().filter(({ recording }) => recording !== 'none');
  const place = episodes.findIndex(({ unit }) => unit === current);
  if ($('.place')) text($('.place'), place < 0 ? 'not in the list' : place + 1 + ' of ' + episodes.length);
  for (const button of $$('[data-go]')) button.disabled = episodes.length === 0 || (place >= 0 && !episodes[place + Number(button.dataset.go)]);
}

/** The next or previous episode of the list. */
function neighbour(by) {
  const episodes = chosen().filter(({ recording }) => recording !== 'none');
  const place = episodes.findIndex(({ unit }) => unit === current);
  return place < 0 ? episodes[0]?.unit : episodes[place + by]?.unit;
}

/** The list with these filters and no others, in view. */
function listOnly(filters, range = {}) {
  for (const element of form.elements) if (element.name) element.value = filters[element.name] ?? (element.options?.[0].value ?? '');
  bounds = range;
  cards = CARDS;
  showList();
  form.scrollIntoView({ block: 'start' });
}

/** The list of a stack of the figure. */
const listRange = ({ task, low, high }) => listOnly({ task }, { low: Number(low), high: Number(high) });

form?.addEventListener('submit', (event) => event.preventDefault());
form?.addEventListener('input', () => { cards = CARDS; showList(); });
form?.addEventListener('reset', () => setTimeout(() => { bounds = {}; cards = CARDS; showList(); }));
$('.range')?.addEventListener('click', () => { bounds = {}; showList(); });
$('.more')?.addEventListener('click', () => { const before = cards; cards += CARDS; showList(); $$('.cardlet')[before]?.focus(); });
`;
