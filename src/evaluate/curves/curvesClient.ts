import { THEME } from '../report/index.ts';

/** The page's program: draws every chart again when a switch changes, and says the values under the pointer. */
export const CURVES_CLIENT = /* js */ `${THEME}
const page = JSON.parse(document.getElementById('data').textContent);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const hidden = new Set();
let [smoothing, logarithmic] = [0, false];
const WIDE = { left: 50, right: 10, top: 10, bottom: 22 };

/** Mean of the values so far, older ones counting less by the factor w each; unbiased from the first value on. */
function smooth(y, w) {
  if (w === 0) return y;
  let [sum, weight] = [0, 0];
  return y.map((value) => { sum = w * sum + (1 - w) * value; weight = w * weight + 1 - w; return sum / weight; });
}

function short(value) {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1).replace('e+', 'e');
  return String(Number(value.toPrecision(size >= 100 ? 4 : 3)));
}

function linearTicks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough);
  const out = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high * (1 + 1e-12) + step * 1e-9; i++) out.push(i * step + 0);
  return out;
}

function logTicks(low, high) {
  const out = [];
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.max(1, Math.ceil((to - from) / 5));
  for (let power = from; power <= to; power++) for (const k of to - from > 2 ? [1] : [1, 2, 5]) { const value = k * 10 ** power; if (value >= low && value <= high && (power - from) % every === 0) out.push(value); }
  return out.length > 1 ? out : linearTicks(low, high, 4);
}

/** Lines that are shown, with what is drawn of them. */
function shownLines(panel) {
  return panel.lines.filter(({ run }) => !hidden.has(run)).map((line) => ({ ...line, drawn: line.seldom ? line.y : smooth(line.y, smoothing) }));
}

function scales(panel, lines, width, height) {
  const log = logarithmic && !panel.share && lines.every(({ y }) => y.every((value) => value > 0));
  const xs = lines.flatMap(({ x }) => [x[0], x[x.length - 1]]);
  let [x0, x1] = [Math.min(...xs, 0), Math.max(...xs, 1)];
  let [low, high] = panel.share ? [0, 1] : [Infinity, -Infinity];
  if (!panel.share) for (const { y, drawn } of lines) {
    // A single outlier would flatten all the rest: with many points the range is that of 98 % of them.
    const sorted = [...y].sort((a, b) => a - b);
    const cut = y.length > 60 ? Math.floor(y.length / 100) : 0;
    low = Math.min(low, sorted[cut], ...drawn.slice(-1)); high = Math.max(high, sorted[sorted.length - 1 - cut], ...drawn.slice(-1));
  }
  if (!(low < high)) { const room = Math.abs(low) * 0.05 || 0.5; low -= room; high += room; if (log) low = Math.max(low, high / 10); }
  else if (!panel.share && !log) { const room = (high - low) * 0.05; if (low < 0 || low - room >= 0) low -= room; else low = 0; high += room; }
  const f = log ? Math.log : (v) => v;
  const inner = { w: width - WIDE.left - WIDE.right, h: height - WIDE.top - WIDE.bottom };
  return {
    log, x0, x1, low, high,
    x: (v) => WIDE.left + ((v - x0) / (x1 - x0)) * inner.w,
    y: (v) => WIDE.top + (1 - (f(v) - f(low)) / (f(high) - f(low))) * inner.h,
    step: (px) => x0 + ((px - WIDE.left) / inner.w) * (x1 - x0),
  };
}

const colour = (run) => 'style="--c:var(--run' + (run % 8) + ')"';

function draw(element) {
  const panel = page.panels[element.dataset.panel];
  const svg = element.querySelector('svg');
  const [width, height] = [svg.clientWidth, svg.clientHeight];
  if (width === 0) return; // folded in
  const lines = shownLines(panel);
  if (lines.length === 0) { svg.innerHTML = '<text x="50%" y="50%" text-anchor="middle">No run is shown.</text>'; element.scale = undefined; return; }
  const s = (element.scale = scales(panel, lines, width, height));
  element.lines = lines;
  const clip = 'clip' + element.dataset.panel;
  const path = (x, y) => x.map((v, i) => (i ? 'L' : 'M') + s.x(v).toFixed(1) + ' ' + s.y(y[i]).toFixed(1)).join('');
  const parts = ['<clipPath id="' + clip + '"><rect x="' + (WIDE.left - 4) + '" y="' + (WIDE.top - 5) + '" width="' + (width - WIDE.left - WIDE.right + 9) + '" height="' + (height - WIDE.top - WIDE.bottom + 9) + '"/></clipPath>'];
  for (const v of s.log ? logTicks(s.low, s.high) : linearTicks(s.low, s.high, 4)) parts.push('<line class="grid" x1="' + WIDE.left + '" x2="' + (width - WIDE.right) + '" y1="' + s.y(v) + '" y2="' + s.y(v) + '"/><text x="' + (WIDE.left - 7) + '" y="' + (s.y(v) + 4) + '" text-anchor="end">' + short(v) + '</text>');
  const across = linearTicks(s.x0, s.x1, width < 420 ? 3 : 5).filter(Number.isInteger);
  for (const v of across) parts.push('<text x="' + s.x(v) + '" y="' + (height - 5) + '" text-anchor="' + (s.x(v) > width - 40 ? 'end' : 'middle') + '">' + v.toLocaleString('en') + '</text>');
  parts.push('<g clip-path="url(#' + clip + ')">');
  for (const { run, seldom, x, y, drawn } of lines) {
    if (seldom) parts.push('<g ' + colour(run) + '><path class="dots" d="' + path(x, y) + '"/>' + x.map((v, i) => '<circle r="3" cx="' + s.x(v).toFixed(1) + '" cy="' + s.y(y[i]).toFixed(1) + '"/>').join('') + '</g>');
    else parts.push('<g ' + colour(run) + '>' + (smoothing > 0 ? '<path class="raw" d="' + path(x, y) + '"/>' : '') + '<path class="smooth" d="' + path(x, drawn) + '"/>' + (x.length === 1 ? '<circle r="3" cx="' + s.x(x[0]) + '" cy="' + s.y(y[0]) + '"/>' : '') + '</g>');
  }
  parts.push('</g><g class="pointer"></g>');
  svg.innerHTML = parts.join('');
  element.querySelector('.tip').hidden = true;
}

const nearest = (x, at) => x.reduce((best, v, i) => (Math.abs(v - at) < Math.abs(x[best] - at) ? i : best), 0);

/** The values nearest to an update, in the chart and in words. */
function point(element, at) {
  const { scale: s, lines } = element;
  if (!s) return;
  const step = lines.map(({ x }) => x[nearest(x, at)]).reduce((best, v) => (Math.abs(v - at) < Math.abs(best - at) ? v : best));
  element.at = step;
  const svg = element.querySelector('svg');
  const tip = element.querySelector('.tip');
  const rows = [];
  const marks = ['<line class="cross" x1="' + s.x(step) + '" x2="' + s.x(step) + '" y1="' + WIDE.top + '" y2="' + (svg.clientHeight - WIDE.bottom) + '"/>'];
  for (const { run, seldom, words, x, y, drawn } of lines) {
    const i = nearest(x, step);
    if (!seldom && Math.abs(x[i] - step) > 0.06 * (s.x1 - s.x0)) continue; // the run had ended
    const other = x[i] === step ? '' : ' at ' + x[i];
    marks.push('<circle class="at" r="3.4" ' + colour(run) + ' cx="' + s.x(x[i]) + '" cy="' + Math.max(WIDE.top - 4, Math.min(svg.clientHeight - WIDE.bottom + 4, s.y(drawn[i]))) + '"/>');
    const value = short(drawn[i]) + (smoothing > 0 && !seldom ? ' (' + short(y[i]) + ')' : '');
    rows.push('<div><i class="swatch" ' + colour(run) + '></i><span class="name">' + page.runs[run].label + '</span>' + (words || other ? '<span>' + words + other + '</span>' : '') + '<span class="value">' + value + '</span></div>');
  }
  svg.querySelector('.pointer').innerHTML = marks.join('');
  tip.innerHTML = '<b>update ' + step.toLocaleString('en') + '</b>' + rows.join('');
  tip.hidden = false;
  const room = element.clientWidth - tip.offsetWidth - 6;
  const px = s.x(step) + svg.offsetLeft;
  tip.style.left = Math.max(6, Math.min(room, px > element.clientWidth / 2 ? px - tip.offsetWidth - 14 : px + 14)) + 'px';
  // Above the drawing, so that it hides no curve.
  tip.style.top = svg.getBoundingClientRect().top - element.getBoundingClientRect().top - tip.offsetHeight + 8 + 'px';
}

function leave(element) {
  element.querySelector('.tip').hidden = true;
  const marks = element.querySelector('.pointer');
  if (marks) marks.innerHTML = '';
}

const charts = $$('.chart');
const drawAll = () => charts.forEach(draw);
for (const element of charts) {
  const svg = element.querySelector('svg');
  const follow = (event) => { if (element.scale) point(element, element.scale.step(event.clientX - svg.getBoundingClientRect().left)); };
  svg.addEventListener('pointermove', follow);
  svg.addEventListener('pointerdown', follow);
  svg.addEventListener('pointerleave', () => leave(element));
  svg.addEventListener('blur', () => leave(element));
  svg.addEventListener('keydown', (event) => {
    if (!element.scale || !['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key)) return;
    event.preventDefault();
    const all = [...new Set(element.lines.flatMap(({ x }) => x))].sort((a, b) => a - b);
    const now = element.at === undefined ? -1 : nearest(all, element.at);
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? all.length - 1 : now + (event.key === 'ArrowRight' ? 1 : -1);
    point(element, all[Math.max(0, Math.min(all.length - 1, to))]);
  });
}
new ResizeObserver(drawAll).observe(document.querySelector('main'));
for (const fold of $$('details')) fold.addEventListener('toggle', drawAll);
for (const button of $$('[data-run]')) button.addEventListener('click', () => {
  const run = Number(button.dataset.run);
  if (!hidden.delete(run)) hidden.add(run);
  button.setAttribute('aria-pressed', String(!hidden.has(run)));
  drawAll();
});
const slider = document.querySelector('[name=smoothing]');
slider.addEventListener('input', () => { smoothing = Number(slider.value); document.querySelector('output').textContent = smoothing === 0 ? 'off' : smoothing.toFixed(2); drawAll(); });
const axis = document.querySelector('[name=log]');
axis.addEventListener('change', () => { logarithmic = axis.checked; drawAll(); });
document.querySelector('[data-theme-button]').addEventListener('click', changeTheme);
drawAll();
`;
