/**
 * The page's program: a room drawn by three.js from the track of the chosen rollout, with its cameras and its timeline.
 * It is text because it runs in the reader's browser, as a module, beside the data in the page; nothing is fetched.
 */
export const CLIENT = /* js */ `
const page = JSON.parse(document.getElementById('data').textContent);
const byUnit = new Map(page.rollouts.map((rollout) => [rollout.unit, rollout]));
const $ = (selector) => document.querySelector(selector);

document.querySelector('[data-theme-button]').addEventListener('click', () => {
  const dark = getComputedStyle(document.documentElement).colorScheme.trim() === 'dark' || (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
  player?.paint();
});

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer());
}

/** Loads the modules in the page: each becomes an address of this page's own, by which the next ones import it. */
async function loadThree() {
  const addresses = {};
  for (const script of document.querySelectorAll('script[type="text/x-module"]')) {
    let source = new TextDecoder().decode(await unpack(script.textContent));
    for (const [name, address] of Object.entries(addresses))
      for (const quote of ["'", '"']) source = source.split('from ' + quote + name + quote).join('from ' + quote + address + quote);
    addresses[script.dataset.specifier] = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  }
  const [THREE, { OrbitControls }] = await Promise.all([import(addresses.three), import(addresses.orbit)]);
  return { THREE, OrbitControls };
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

class Player {
  constructor({ THREE, OrbitControls }) {
    this.THREE = THREE;
    this.renderer = new THREE.WebGLRenderer({ antialias: true });
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    $('.view .message').remove();
    $('.view').prepend(this.renderer.domElement);
    this.eye = new THREE.PerspectiveCamera(42, 1.6, 0.02, 60);
    this.eye.up.set(0, 0, 1);
    this.orbit = new OrbitControls(this.eye, this.renderer.domElement);
    this.orbit.enableDamping = true;
    this.orbit.maxPolarAngle = Math.PI * 0.52;
    this.orbit.minDistance = 0.4;
    this.orbit.maxDistance = 9;
    this.drawn = 0;
    this.time = 0; this.playing = !matchMedia('(prefers-reduced-motion: reduce)').matches; this.speed = 1; this.mode = 'follow'; this.before = performance.now();
    new ResizeObserver(() => this.resize()).observe($('.view'));
    this.renderer.setAnimationLoop((now) => this.tick(now));
  }
  resize() {
    const { clientWidth: w, clientHeight: h } = $('.view');
    this.renderer.setPixelRatio(Math.min(2, devicePixelRatio));
    this.renderer.setSize(w, h, false);
    this.eye.aspect = w / h;
    this.eye.updateProjectionMatrix();
    this.drawn++;
  }
  paint() {
    this.drawn++;
    if (this.scene) this.scene.background = new this.THREE.Color(getComputedStyle(document.documentElement).getPropertyValue('--room').trim());
  }
  async show(rollout, { play = true } = {}) {
    const { THREE } = this;
    const track = await readTrack(rollout.track);
    this.scene?.traverse((thing) => { thing.geometry?.dispose(); thing.material?.dispose(); });
    this.rollout = rollout; this.track = track; this.time = 0; this.eventsShown = undefined;
    const scene = (this.scene = new THREE.Scene());
    this.paint();
    this.bodies = rollout.scene.bodies.map((body) => {
      const group = new THREE.Group();
      group.position.fromArray(body.position);
      group.quaternion.set(body.quaternion[1], body.quaternion[2], body.quaternion[3], body.quaternion[0]);
      scene.add(group);
      return group;
    });
    this.meshes = rollout.scene.geoms.map((geom) => {
      const mesh = this.mesh(geom);
      this.bodies[geom.body].add(mesh);
      return mesh;
    });
    scene.add(new THREE.HemisphereLight(0xffffff, 0xa39f98, 2.1));
    const lamp = new THREE.DirectionalLight(0xfff4e2, 1.7);
    lamp.position.set(-1.6, -2.2, 4.6);
    lamp.castShadow = true;
    lamp.shadow.mapSize.set(2048, 2048);
    lamp.shadow.radius = 5;
    lamp.shadow.bias = -0.0004; lamp.shadow.normalBias = 0.02;
    Object.assign(lamp.shadow.camera, { left: -3.6, right: 3.6, top: 3.6, bottom: -3.6, near: 0.5, far: 11 });
    scene.add(lamp);
    this.base = Math.max(0, rollout.scene.moving.findIndex((body) => rollout.scene.bodies[body].name === 'base'));
    this.pose(0);
    const at = this.bodies[rollout.scene.moving[this.base]].position;
    this.orbit.target.set(at.x + 0.45, at.y, 0.62);
    this.eye.position.set(at.x - 1.55, at.y - 1.75, 1.85);
    this.followed = at.clone();
    this.playing = play && this.playing;
    this.drawn++;
    this.label();
    describe(rollout);
    this.resize();
  }
  mesh({ shape, size: s, position, quaternion, colour }) {
    const { THREE } = this;
    const geometry =
      shape === 'box' ? new THREE.BoxGeometry(2 * s[0], 2 * s[1], 2 * s[2])
      : shape === 'sphere' ? new THREE.SphereGeometry(s[0], 32, 20)
      : shape === 'cylinder' ? new THREE.CylinderGeometry(s[0], s[0], 2 * s[1], 36).rotateX(Math.PI / 2)
      : shape === 'capsule' ? new THREE.CapsuleGeometry(s[0], 2 * s[1], 10, 28).rotateX(Math.PI / 2)
      : shape === 'ellipsoid' ? new THREE.SphereGeometry(1, 32, 20).scale(s[0], s[1], s[2])
      : new THREE.PlaneGeometry(2 * (s[0] || 8), 2 * (s[1] || 8));
    const material = new THREE.MeshStandardMaterial({ color: new THREE.Color().setRGB(colour[0], colour[1], colour[2], THREE.SRGBColorSpace), roughness: 0.78, metalness: 0.02 });
    if (colour[3] < 1) { material.transparent = true; material.opacity = colour[3]; }
    if (shape === 'plane') material.map = tiles(THREE, s[0] || 8);
    const mesh = new THREE.Mesh(geometry, material);
    mesh.position.fromArray(position);
    mesh.quaternion.set(quaternion[1], quaternion[2], quaternion[3], quaternion[0]);
    // A wall between the eye and the room would hide it: only its inner side is drawn, and it casts no shadow.
    const wall = shape === 'box' && Math.max(s[0], s[1]) > 2 && s[2] > 1;
    mesh.castShadow = shape !== 'plane' && !wall && colour[3] > 0;
    mesh.receiveShadow = true;
    mesh.userData.wall = wall;
    return mesh;
  }
  /** The bodies at a time in steps, between two frames of the track. */
  pose(step) {
    const { track, rollout } = this;
    const { frames, steps } = rollout.track;
    const at = Math.min(step, steps);
    const i = Math.min(frames - 1, Math.floor(at / page.stride));
    const j = Math.min(frames - 1, i + 1);
    const from = i * page.stride, to = Math.min(j * page.stride, steps);
    const w = to > from ? (at - from) / (to - from) : 0;
    rollout.scene.moving.forEach((body, k) => {
      const value = (n) => { const o = (7 * k + n) * frames; return track[o + i] * (1 - w) + track[o + j] * w; };
      this.bodies[body].position.set(value(0), value(1), value(2));
      this.bodies[body].quaternion.set(value(4), value(5), value(6), value(3)).normalize();
    });
    rollout.scene.geoms.forEach((geom, g) => {
      let colour = geom.colour0 ?? geom.colour;
      for (const change of rollout.colours) if (change.geom === g && change.step <= at) colour = change.colour;
      if (this.meshes[g].userData.colour !== colour) {
        this.meshes[g].userData.colour = colour;
        this.meshes[g].material.color.setRGB(colour[0], colour[1], colour[2], this.THREE.SRGBColorSpace);
      }
    });
  }
  tick(now) {
    const seconds = Math.min(0.1, (now - this.before) / 1000);
    this.before = now;
    if (!this.rollout) return;
    if (this.playing) {
      this.time += this.rollout.rate * seconds * this.speed;
      if (this.time >= this.rollout.steps + 20) this.time = 0; // rest a moment at the end
    }
    const step = Math.min(this.time, this.rollout.steps);
    let eye = this.eye;
    const named = this.rollout.scene.cameras.find((camera) => camera.name === this.mode);
    if (named) eye = this.through(named);
    else {
      const at = this.bodies[this.rollout.scene.moving[this.base]].position;
      if (this.mode === 'follow') {
        const move = at.clone().sub(this.followed).multiplyScalar(1 - Math.exp(-4 * seconds));
        move.z = 0;
        this.followed.add(move);
        this.eye.position.add(move);
        this.orbit.target.add(move);
      } else this.followed.copy(at);
      this.orbit.update();
    }
    // A still picture is drawn once.
    const picture = [step, this.mode, this.drawn, ...this.eye.position.toArray(), ...this.orbit.target.toArray()].join();
    if (picture === this.last) return;
    this.last = picture;
    this.pose(step);
    if (named) this.through(named);
    this.hideWalls(eye);
    this.renderer.render(this.scene, eye);
    showTime(this.rollout, step);
  }
  /** A camera of the robot, or the room's. */
  through(camera) {
    const { THREE } = this;
    const eye = (this.robotEye ??= new THREE.PerspectiveCamera(60, 1.6, 0.01, 60));
    const body = this.bodies[camera.body];
    const local = new THREE.Quaternion(camera.quaternion[1], camera.quaternion[2], camera.quaternion[3], camera.quaternion[0]);
    eye.position.fromArray(camera.position).applyQuaternion(body.quaternion).add(body.position);
    eye.quaternion.copy(body.quaternion).multiply(local);
    eye.fov = camera.fovyDegrees;
    eye.aspect = this.eye.aspect;
    eye.updateProjectionMatrix();
    return eye;
  }
  hideWalls(eye) {
    for (const mesh of this.meshes) {
      if (!mesh.userData.wall) continue;
      mesh.geometry.computeBoundingBox();
      const size = mesh.geometry.boundingBox.max;
      const thin = size.x < size.y ? 'x' : 'y';
      const world = mesh.getWorldPosition(new this.THREE.Vector3());
      const target = eye === this.eye ? this.orbit.target : new this.THREE.Vector3(0, 0, 0.6);
      mesh.visible = (eye.position[thin] - world[thin]) * (target[thin] - world[thin]) > 0;
    }
  }
  label() {
    $('.go').textContent = this.playing ? 'Pause' : 'Play';
    for (const button of document.querySelectorAll('[data-speed]')) button.setAttribute('aria-pressed', String(Number(button.dataset.speed) === this.speed));
    for (const button of document.querySelectorAll('[data-view]')) button.setAttribute('aria-pressed', String(button.dataset.view === this.mode));
  }
}

function tiles(THREE, half) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 128;
  const pen = canvas.getContext('2d');
  pen.fillStyle = '#ffffff'; pen.fillRect(0, 0, 128, 128);
  pen.fillStyle = '#e6e6e6'; pen.fillRect(0, 0, 64, 64); pen.fillRect(64, 64, 64, 64);
  const texture = new THREE.CanvasTexture(canvas);
  texture.colorSpace = THREE.SRGBColorSpace;
  texture.wrapS = texture.wrapT = THREE.RepeatWrapping;
  texture.repeat.set(2 * half, 2 * half);
  texture.anisotropy = 8;
  return texture;
}

const text = (element, value) => { if (element.textContent !== value) element.textContent = value; };
const seconds = (step, rate) => (step / rate).toFixed(1) + ' s';
const escape = (value) => value.replace(/[&<>"]/g, (c) => '&#' + c.charCodeAt(0) + ';');

/** The texts and the timeline of a rollout. */
function describe(rollout) {
  text($('.side h3'), page.titles[rollout.task]);
  text($('.side .where'), 'instance ' + rollout.instance + ' · ' + seconds(rollout.steps, rollout.rate) + (rollout.success ? ' · done' : ' · not done'));
  text($('.side .q'), 'q ' + rollout.q.toFixed(2));
  $('.goal').innerHTML = rollout.goal.map((literal) => '<li class="' + (literal.value ? 'yes' : '') + '">' + escape(literal.text) + (literal.initial ? ' (from the start)' : '') + '</li>').join('');
  for (const element of document.querySelectorAll('.cardlet')) element.setAttribute('aria-current', String(element.dataset.unit === rollout.unit));
  for (const element of document.querySelectorAll('.figure .play')) element.classList.toggle('on', element.dataset.unit === rollout.unit);
  const n = Math.max(1, rollout.steps), W = 1000, x = (step) => ((step / n) * W).toFixed(1);
  const runs = rollout.stages.map(([step, stage], i) => ({ step, stage, end: rollout.stages[i + 1]?.[0] ?? n }));
  const bands = runs.map(({ step, stage, end }) => '<rect x="' + x(step) + '" y="16" width="' + Math.max(0.5, x(end) - x(step)) + '" height="16" fill="var(--stage-' + (stage % 2 ? 'b' : 'a') + ')"><title>stage ' + (stage + 1) + '</title></rect>').join('')
    || '<rect x="0" y="16" width="1000" height="16" fill="var(--line)"/>';
  const plans = rollout.plans.map((step) => '<line x1="' + x(step) + '" x2="' + x(step) + '" y1="36" y2="41" stroke="var(--soft)" stroke-width="1" vector-effect="non-scaling-stroke"/>').join('');
  const rules = rollout.rules.map(([step, name, reason]) => '<path d="M' + x(step) + ' 36 l-5 10 h10 z" fill="var(--warn)"><title>' + escape(reason ? name + ': ' + reason : name) + '</title></path>').join('');
  let before = 0;
  const scores = rollout.scores.map(([step, q]) => { const up = q > before; const mark = step > 0 || q > 0 ? '<line x1="' + x(step) + '" x2="' + x(step) + '" y1="4" y2="32" stroke="' + (up ? 'var(--good)' : 'var(--warn)') + '" stroke-width="2.5" vector-effect="non-scaling-stroke"><title>q ' + q.toFixed(2) + '</title></line>' : ''; before = q; return mark; }).join('');
  $('.time svg').innerHTML = bands + plans + scores + rules + '<line class="head" y1="0" y2="50" vector-effect="non-scaling-stroke"/>';
  $('.time input').max = String(n);
  const names = [...new Set(rollout.rules.map(([, name]) => name))];
  $('.legend').innerHTML = [
    runs.length ? 'bands: stages ' + [...new Set(runs.map(({ stage }) => stage + 1))].join(' → ') : '',
    rollout.plans.length ? rollout.plans.length + ' plans (ticks)' : '',
    rollout.scores.some(([, q]) => q > 0) ? 'green: q rises' : '',
    names.length ? '▲ rules: ' + names.map(escape).join(', ') : '',
  ].filter(Boolean).map((entry) => '<span>' + entry + '</span>').join('');
}

/** What changes with time: clock, playhead, camera pictures. */
function showTime(rollout, step) {
  const q = rollout.scores.filter(([at]) => at <= step).at(-1)?.[1] ?? 0;
  const stage = rollout.stages.filter(([at]) => at <= step).at(-1)?.[1];
  text($('.clock'), seconds(step, rollout.rate) + (stage === undefined ? '' : ' · stage ' + (stage + 1)) + ' · q ' + q.toFixed(2));
  const head = $('.time .head');
  const at = ((step / Math.max(1, rollout.steps)) * 1000).toFixed(1);
  head.setAttribute('x1', at);
  head.setAttribute('x2', at);
  if (document.activeElement !== $('.time input')) $('.time input').value = String(Math.round(step));
  let shown = rollout.pictures[0];
  for (const picture of rollout.pictures) if (picture.step <= step + 1) shown = picture;
  if (player.eventsShown === shown) return;
  player.eventsShown = shown;
  document.querySelectorAll('.cam div').forEach((element, i) => {
    element.style.backgroundImage = 'url(' + shown.uri + ')';
    element.style.backgroundPosition = 50 * i + '% 0';
  });
}

let player;
let starting;
async function open(unit, { scroll = false } = {}) {
  const rollout = byUnit.get(unit);
  if (!rollout) return;
  if (scroll) $('#rollouts').scrollIntoView({ behavior: 'smooth' });
  try {
    starting ??= loadThree().then((library) => new Player(library));
    player = await starting;
    await player.show(rollout);
  } catch (error) {
    const place = $('.view .message');
    if (place) place.textContent = 'This browser cannot draw the room (' + error.message + ').';
    throw error;
  }
}

document.addEventListener('click', ({ target }) => {
  const unit = target.closest('[data-unit]')?.dataset.unit;
  if (unit) { if (player) player.playing = true; open(unit, { scroll: true }); }
  const speed = target.closest('[data-speed]')?.dataset.speed;
  const view = target.closest('[data-view]')?.dataset.view;
  if (!player) return;
  if (speed) player.speed = Number(speed);
  if (view) player.mode = view;
  if (target.closest('.go')) { if (!player.playing && player.time >= player.rollout.steps) player.time = 0; player.playing = !player.playing; }
  player.label();
});
document.addEventListener('keydown', (event) => {
  const unit = event.target.closest?.('.play')?.dataset.unit;
  if (unit && (event.key === 'Enter' || event.key === ' ')) { event.preventDefault(); open(unit, { scroll: true }); return; }
  if (!player || event.target.closest?.('button')) return;
  if (event.key === ' ') { event.preventDefault(); player.playing = !player.playing; player.label(); }
  if (event.target.matches?.('input')) return;
  if (event.key === 'ArrowRight') player.time = Math.min(player.rollout.steps, player.time + 15);
  if (event.key === 'ArrowLeft') player.time = Math.max(0, player.time - 15);
});
$('.time input')?.addEventListener('input', ({ target }) => { if (player) { player.playing = false; player.time = Number(target.value); player.label(); } });
$('.time input')?.addEventListener('change', ({ target }) => target.blur());
if (page.rollouts.length > 0) open(page.first);
`;
