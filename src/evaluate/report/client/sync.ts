/** A second rollout beside the chosen one, in step with it, and the film of the chosen one. */
export const SYNC = /* js */ `
/** Episodes that the choice beside the player names, after those of the same scene. */
const MOST_OTHERS = 60;
const besideChoice = $('select[name=beside]');
/** What shall be beside: an episode's name, or for every episode the other policy's in the same scene. */
let besideWanted = '';
let besideTurn = 0;

/** What may stand beside an episode: the other policy's episode in its scene, then those of the same task. */
function besideOf(episode) {
  const others = chooseEpisodes(page.episodes, { task: episode.task })
    .filter(({ unit, recording }) => unit !== episode.unit && recording !== 'none');
  const same = others.filter(({ instance }) => instance === episode.instance);
  const { task, instance, other } = episode;
  const rest = others.filter((one) => !same.includes(one)).slice(0, MOST_OTHERS);
  return [...(other ? [{ ...other, task, instance }] : []), ...same, ...rest];
}

const besideKey = ({ key, unit }) => key ?? unit;
const besideName = ({ name, instance, rollout, q }) =>
  (name ?? 'instance ' + instance + (rollout ? ', rollout ' + (rollout + 1) : '')) + ' · q ' + q.toFixed(2);

function offerBeside(episode) {
  if (!besideChoice) return;
  const others = besideOf(episode);
  const option = (value, words) => '<option value="' + escape(value) + '">' + escape(words) + '</option>';
  const named = others.map((one) => option(besideKey(one), besideName(one)));
  besideChoice.innerHTML = option('', 'nothing') + named.join('');
  besideChoice.closest('label').hidden = others.length === 0;
  const wanted = besideWanted === 'other' ? others.find(({ key }) => key) : undefined;
  besideChoice.value = wanted ? besideKey(wanted) : '';
}

/** Shows what is chosen beside the player, or nothing. */
async function showBeside() {
  const mine = ++besideTurn;
  const episode = byUnit.get(current);
  const wanted = besideChoice?.value;
  const one = wanted ? besideOf(episode).find((other) => besideKey(other) === wanted) : undefined;
  besideWanted = one?.key ? 'other' : '';
  $('.views').classList.toggle('two', one !== undefined);
  $('.view.second').hidden = one === undefined;
  $('.versus').hidden = one === undefined;
  $('.view .tag').hidden = one === undefined;
  text($('.view .tag'), besideName(episode));
  if (one) {
    text($('.view.second .tag'), besideName(one));
    $('.versus').innerHTML = '<b>Beside it: ' + escape(besideName(one)) + '</b><ul class="goal second"></ul>';
  }
  if (player.partner) player.partner.rollout = undefined;
  const message = $('.view.second .message');
  message.hidden = false;
  text(message, 'Loading the room …');
  try {
    if (one) {
      const rollout = await recordingOf(one);
      const track = await readTrack(rollout.track);
      if (mine !== besideTurn) return;
      player.partner ??= new Player(library, $('.view.second'), player);
      player.partner.show(rollout, track, Math.min(player.time, rollout.steps));
      $('.goal.second').innerHTML = goalList(rollout);
      message.hidden = true;
    }
  } catch (error) {
    if (mine === besideTurn) text(message, error.message);
  }
  describe(player);
  player.drawn++;
}

besideChoice?.addEventListener('change', () => void showBeside());

const film = $('.film video');
let filmAddress;
/** The film of an episode, from the page or beside it; none where none was made. */
async function loadFilm(episode) {
  if (!film) return;
  if (filmAddress) URL.revokeObjectURL(filmAddress);
  filmAddress = undefined;
  let source = episode.film;
  if (source === 'page') {
    const base64 = $$('script[data-film]').find((element) => element.dataset.film === episode.unit)?.textContent ?? '';
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    source = filmAddress = URL.createObjectURL(new Blob([bytes], { type: 'video/mp4' }));
  }
  $('.film').hidden = !source;
  if (!source) return film.removeAttribute('src');
  film.src = source;
  film.setAttribute('aria-label', 'Film: ' + spoken(episode));
  const link = $('.film a');
  link.href = source;
  link.download = episode.unit + '.mp4';
  text(link, 'Film, ' + Math.max(1, Math.round(episode.filmBytes / 1000)) + ' KB');
}

/** Keeps the film at the player's time. */
function filmAt({ rollout, time, playing, speed }) {
  if (!film?.src || film.readyState < 1) return;
  const at = Math.min(time / rollout.rate, film.duration || 0);
  const runs = playing && time < rollout.steps;
  if (film.playbackRate !== speed) film.playbackRate = speed;
  if (Math.abs(film.currentTime - at) > (runs ? 0.3 * speed : 0.06) && !film.seeking) film.currentTime = at;
  if (runs && film.paused) film.play().catch(() => {});
  if (!runs && !film.paused) film.pause();
}
`;
