/** The texts beside the player and the timeline below it. */
export const DETAILS = /* js */ `
/** What is known of an episode before its recording is there. */
function announce(episode) {
  text($('.side h3'), page.titles[episode.task] ?? episode.task);
  text($('.side .where'), 'instance ' + episode.instance + ' · ' + seconds(episode.seconds) + (episode.success ? ' · done' : ' · not done') + (episode.fault ? ' · ' + episode.fault : ''));
  text($('.side .q'), 'q ' + episode.q.toFixed(2));
  for (const place of ['.goal', '.legend', '.taken', '.clock', '.lanes']) $(place).textContent = '';
}

const goalList = (rollout) => rollout.goal.map((literal) => '<li class="' + (literal.value ? 'yes' : '') + '">' + escape(literal.text) + '<span class="unseen">' + (literal.value ? ': reached' : ': not reached') + '</span>' + (literal.initial ? ' (from the start)' : '') + '</li>').join('');

/** Goal and timeline of the chosen recording, and of the one beside it, over the same time. */
function describe({ rollout, partner, span }) {
  $('.goal').innerHTML = goalList(rollout);
  lanes($('.lanes'), rollout, span);
  $('.time input').max = String(Math.max(1, span));
  const other = partner?.rollout;
  $('.lanes.second').style.display = other ? '' : 'none';
  if (other) lanes($('.lanes.second'), other, (span / rollout.rate) * other.rate);
  $('.legend').innerHTML = legend(other ? [rollout, other] : [rollout]);
}

/** A recording's lanes: the true stage, the voted one, and what each plan predicted. @param span steps that are as wide as the timeline */
function lanes(place, rollout, span) {
  const n = Math.max(1, span), end = Math.max(1, rollout.steps), x = (step) => ((step / n) * 1000).toFixed(1);
  const runsOf = (list) => list.map(([step, stage], i) => ({ step, stage, end: list[i + 1]?.[0] ?? end }));
  const shade = (stage) => 'var(--stage-' + (stage % 2 ? 'b' : 'a') + ')';
  const lane = (list, y, height, what) => runsOf(list).map(({ step, stage, end }) => '<rect x="' + x(step) + '" y="' + y + '" width="' + Math.max(0.5, x(end) - x(step)) + '" height="' + height + '" fill="' + shade(stage) + '"><title>' + what + ' stage ' + (stage + 1) + '</title></rect>').join('');
  const truths = rollout.truths ?? [], predicted = rollout.predicted ?? [];
  const trueAt = (step) => truths.filter(([at]) => at <= step).at(-1)?.[1];
  const bands = (lane(truths, 4, 9, 'true') + lane(rollout.stages, 15, 17, 'voted'))
    || '<rect x="0" y="15" width="' + x(end) + '" height="17" fill="var(--line)"/>';
  const plans = rollout.plans.map((step) => '<line x1="' + x(step) + '" x2="' + x(step) + '" y1="44" y2="48" stroke="var(--soft)" stroke-width="1" vector-effect="non-scaling-stroke"/>').join('');
  const raw = predicted.map(([step, stage]) => { const right = trueAt(step); const wrong = right !== undefined && right !== stage; return '<rect x="' + (x(step) - 2) + '" y="34" width="' + Math.max(4, (8 * 1000) / n) + '" height="8" fill="' + (wrong ? 'var(--warn)' : shade(stage)) + '"><title>predicted stage ' + (stage + 1) + (wrong ? ', truly ' + (right + 1) : '') + '</title></rect>'; }).join('');
  const rules = rollout.rules.map(([step, name, reason]) => '<path d="M' + x(step) + ' 43 l-5 10 h10 z" fill="var(--warn)"><title>' + escape(reason ? name + ': ' + reason : name) + '</title></path>').join('');
  let before = 0;
  const scores = rollout.scores.map(([step, q]) => { const up = q > before; const mark = step > 0 || q > 0 ? '<line x1="' + x(step) + '" x2="' + x(step) + '" y1="2" y2="32" stroke="' + (up ? 'var(--good)' : 'var(--warn)') + '" stroke-width="2.5" vector-effect="non-scaling-stroke"><title>q ' + q.toFixed(2) + '</title></line>' : ''; before = q; return mark; }).join('');
  // Between the bottom (0) and the top (1) of the voted stages, from plan to plan.
  const curve = (list, what, dash) => list?.length ? '<polyline fill="none" stroke="var(--ink)" stroke-width="1.5" vector-effect="non-scaling-stroke" ' + dash + 'points="' + list.map(([step, value]) => x(step) + ',' + (32 - 17 * value).toFixed(1)).join(' ') + '"><title>' + what + ' at each plan, at the end ' + list.at(-1)[1].toFixed(2) + '</title></polyline>' : '';
  const heads = curve(rollout.heads?.progress, 'predicted progress', '') + curve(rollout.heads?.success, 'predicted success', 'stroke-dasharray="3 3" ');
  place.innerHTML = bands + raw + plans + scores + heads + rules + '<line class="head" y1="0" y2="54" vector-effect="non-scaling-stroke"/>';
}

function legend(rollouts) {
  const some = (of) => rollouts.some((rollout) => of(rollout));
  const truths = some(({ truths }) => truths?.length), plans = rollouts.map(({ plans }) => plans.length);
  const stages = rollouts.map((rollout) => [...new Set(rollout.stages.map(([, stage]) => stage + 1))].join(' → ')).filter(Boolean);
  const names = [...new Set(rollouts.flatMap(({ rules }) => rules.map(([, name]) => name)))];
  return [
    truths ? 'top: true stage' : '',
    stages.length ? (truths ? 'middle: ' : 'bands: ') + 'voted stages ' + (stages.length > 1 ? 'upper ' + stages.join(', lower ') : stages[0]) : '',
    some(({ predicted }) => predicted?.length) ? 'below: predicted by each plan' + (truths ? ', orange where wrong' : '') : '',
    some(({ plans }) => plans.length) ? plans.filter(Boolean).join(' and ') + ' plans (ticks)' : '',
    some(({ scores }) => scores.some(([, q]) => q > 0)) ? 'green: q rises' : '',
    some(({ heads }) => heads?.progress) ? 'line: predicted progress, 0 to 1' : '',
    some(({ heads }) => heads?.success) ? 'dashed: predicted success, 0 to 1' : '',
    names.length ? '▲ rules: ' + names.map(escape).join(', ') : '',
  ].filter(Boolean).map((entry) => '<span>' + entry + '</span>').join('');
}

let shownPicture;
/** A player's clock: seconds, stage and q at its step. */
function showClock({ rollout, time, place }) {
  const step = Math.min(time, rollout.steps);
  const q = rollout.scores.filter(([at]) => at <= step).at(-1)?.[1] ?? 0;
  const stage = rollout.stages.filter(([at]) => at <= step).at(-1)?.[1];
  text(place.querySelector('.clock'), seconds(step / rollout.rate) + (stage === undefined ? '' : ' · stage ' + (stage + 1)) + ' · q ' + q.toFixed(2) + (time > rollout.steps ? ' · ended' : ''));
}

/** What changes with time: clock, playhead, camera pictures and how old they are. */
function showTime(player) {
  const { rollout, time, span } = player;
  const step = Math.min(time, rollout.steps);
  showClock(player);
  const at = ((Math.min(time, span) / Math.max(1, span)) * 1000).toFixed(1);
  for (const head of $$('.time .head')) {
    head.setAttribute('x1', at);
    head.setAttribute('x2', at);
  }
  if (document.activeElement !== $('.time input')) $('.time input').value = String(Math.round(time));
  const picture = rollout.pictures[picturesAt(rollout.pictures, step)];
  if (!picture) return;
  const age = Math.max(0, step - picture.step) / rollout.rate;
  text($('.taken'), 'Camera pictures of ' + seconds(picture.step / rollout.rate) + (age < 0.05 ? '' : ', ' + seconds(age) + ' before the pose'));
  $('.cams').classList.toggle('old', age >= 0.5);
  if (shownPicture === picture) return;
  shownPicture = picture;
  for (const [i, element] of $$('.cam div').entries()) {
    element.style.backgroundImage = 'url("' + picture.uri + '")';
    element.style.backgroundPosition = 50 * i + '% 0';
    element.setAttribute('aria-label', 'What the ' + element.dataset.camera + ' camera saw at ' + seconds(picture.step / rollout.rate));
  }
}

let hintTimer;
/** Words in the view that go away again. */
function hint(words) {
  const place = $('.view .hint');
  place.hidden = false;
  place.textContent = words;
  clearTimeout(hintTimer);
  hintTimer = setTimeout(() => { place.hidden = true; }, 1500);
}
`;
