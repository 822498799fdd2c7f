import { chooseEpisodes, picturesAt } from '../episodes.ts';

/** The page's data, and what it loads: three.js from the page, recordings from the page or from scripts beside it. */
export const LOAD = /* js */ `
const page = JSON.parse(document.getElementById('data').textContent);
const byUnit = new Map(page.episodes.map((episode) => [episode.unit, episode]));
const $ = (selector) => document.querySelector(selector);
const $$ = (selector) => [...document.querySelectorAll(selector)];
// Functions that the page shares with its maker. esbuild, by which tsx runs the sources, wraps inner ones in __name.
const __name = (inner) => inner;
const chooseEpisodes = ${chooseEpisodes.toString()};
const picturesAt = ${picturesAt.toString()};

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer());
}

/** Loads the modules in the page: each becomes an address of this page's own, by which the next ones import it. */
async function loadThree() {
  const addresses = {};
  for (const script of $$('script[type="text/x-module"]')) {
    let source = new TextDecoder().decode(await unpack(script.textContent));
    for (const [name, address] of Object.entries(addresses))
      for (const quote of ["'", '"']) source = source.split('from ' + quote + name + quote).join('from ' + quote + address + quote);
    addresses[script.dataset.specifier] = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  }
  const [THREE, { OrbitControls }] = await Promise.all([import(addresses.three), import(addresses.orbit)]);
  return { THREE, OrbitControls };
}

const recordings = new Map();
/** What the scripts beside the page call. A script of another evaluation says under which name it was asked for. */
window.valetRollout = (rollout) => recordings.set(document.currentScript?.dataset.key ?? rollout.unit, rollout);

/**
 * The recording of an episode, or of the other policy's episode in the same scene. A page from a disk may not read
 * files, but it may run scripts beside it.
 */
async function recordingOf({ key, unit, recording, script }) {
  const name = key ?? unit;
  if (!recordings.has(name) && recording === 'page')
    for (const element of $$('script[data-recording]'))
      if (element.dataset.recording === name) recordings.set(name, JSON.parse(element.textContent));
  if (!recordings.has(name) && script)
    await new Promise((done) => {
      const element = document.createElement('script');
      element.src = script;
      element.dataset.key = name;
      element.onload = element.onerror = () => { element.remove(); done(); };
      document.head.append(element);
    });
  if (!recordings.has(name)) throw new Error(script ? 'Its recording should lie beside this page, in ' + decodeURIComponent(script) + ', and is not there. Keep the folder together.' : 'No recording was kept of this episode.');
  return recordings.get(name);
}

/** int16 differences back to numbers: Float32Array [bodies * 7, frames]. */
async function readTrack({ frames, bodies, data }) {
  const bytes = await unpack(data);
  const count = bodies * 7 * frames;
  const out = new Float32Array(count);
  let value = 0;
  for (let i = 0; i < count; i++) {
    const difference = bytes[i] | (bytes[count + i] << 8);
    value = i % frames === 0 ? difference : value + difference;
    const signed = (value << 16) >> 16;
    out[i] = (signed / 32767) * (Math.floor(i / frames) % 7 < 3 ? page.metres : 1);
  }
  return out;
}

const text = (element, value) => { if (element.textContent !== value) element.textContent = value; };
const seconds = (value) => value.toFixed(1) + ' s';
const escape = (value) => value.replace(/[&<>"]/g, (c) => '&#' + c.charCodeAt(0) + ';');
/** An episode in words. */
const spoken = ({ task, instance, q, success }) => (page.titles[task] ?? task) + ', instance ' + instance + ', q ' + q.toFixed(2) + (success ? ', done' : ', not done');
`;
