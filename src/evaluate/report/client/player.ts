/**
 * The room of the chosen rollout, drawn by three.js from its track. A second player beside it has no time and no eye of
 * its own: it shows its rollout at the first one's time, from the same side.
 */
export const PLAYER = /* js */ `
class Player {
  /** @param place the view to draw in @param leader the player whose time and eye this one takes */
  constructor({ THREE, OrbitControls }, place, leader) {
    this.THREE = THREE;
    this.place = place;
    this.renderer = new THREE.WebGLRenderer({ antialias: true });
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    const canvas = this.renderer.domElement;
    canvas.setAttribute('role', 'img');
    place.prepend(canvas);
    this.eye = new THREE.PerspectiveCamera(42, 1.6, 0.02, 60);
    this.eye.up.set(0, 0, 1);
    this.drawn = 0;
    new ResizeObserver(() => this.resize()).observe(place);
    if (leader) return;
    this.orbit = new OrbitControls(this.eye, $('.views'));
    this.orbit.enableDamping = true;
    this.orbit.maxPolarAngle = Math.PI * 0.52;
    this.orbit.minDistance = 0.4;
    this.orbit.maxDistance = 9;
    this.letThePageScroll($('.views'));
    this.time = 0; this.playing = !matchMedia('(prefers-reduced-motion: reduce)').matches; this.speed = 1; this.mode = 'follow'; this.before = performance.now();
    this.renderer.setAnimationLoop((now) => this.tick(now));
  }
  /** The wheel and an upward swipe are the page's; with Ctrl, and by two fingers, the eye comes nearer. */
  letThePageScroll(views) {
    this.orbit.enableZoom = false;
    views.style.touchAction = 'pan-y';
    views.addEventListener('wheel', (event) => {
      this.orbit.enableZoom = event.ctrlKey || event.metaKey;
      if (!this.orbit.enableZoom) hint('Ctrl and the wheel: nearer and farther');
    }, { capture: true, passive: true });
    views.addEventListener('pointerdown', ({ pointerType }) => { this.orbit.enableZoom = pointerType === 'touch'; }, { capture: true });
  }
  zoom(factor) {
    const { target, minDistance, maxDistance } = this.orbit;
    const arm = this.eye.position.clone().sub(target);
    const length = Math.min(maxDistance, Math.max(minDistance, arm.length() * factor));
    this.eye.position.copy(target).add(arm.setLength(length));
    this.drawn++;
  }
  resize() {
    const { clientWidth: w, clientHeight: h } = this.place;
    if (w === 0) return;
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
  /** Shows a recording from a step on. */
  show(rollout, track, step) {
    const { THREE } = this;
    this.scene?.traverse((thing) => { thing.geometry?.dispose(); thing.material?.dispose(); });
    this.rollout = rollout; this.track = track; this.time = step; this.last = undefined;
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
    this.pose(step);
    const at = this.bodies[rollout.scene.moving[this.base]].position;
    this.followed = at.clone();
    this.drawn++;
    this.resize();
    if (!this.orbit) return;
    this.orbit.target.set(at.x + 0.45, at.y, 0.62);
    this.eye.position.set(at.x - 1.55, at.y - 1.75, 1.85);
    this.label();
  }
  /** Steps of this rollout in which it and the one beside it have ended. */
  get span() {
    const { rollout, partner } = this;
    return Math.max(rollout.steps, partner?.rollout ? (partner.rollout.steps / partner.rollout.rate) * rollout.rate : 0);
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
      if (this.time >= this.span + 20) this.time = 0; // rest a moment at the end
    }
    if (this.mode === 'follow') {
      const move = this.chase(seconds);
      this.eye.position.add(move);
      this.orbit.target.add(move);
    } else this.chase(seconds);
    this.orbit.update();
    if (this.draw(Math.min(this.time, this.rollout.steps), this.mode, this.orbit.target)) showTime(this);
    this.partner?.tickWith(this, seconds);
    filmAt(this);
  }
  /** Goes after the robot. @returns the way that the eye has to go with it */
  chase(seconds) {
    const move = this.bodies[this.rollout.scene.moving[this.base]].position.clone().sub(this.followed);
    move.z = 0;
    if (this.mode === 'follow') move.multiplyScalar(1 - Math.exp(-4 * seconds));
    this.followed.add(move);
    return move;
  }
  /** Shows the first player's time from the first player's side. */
  tickWith(leader, seconds) {
    if (!this.rollout) return;
    this.mode = leader.mode;
    this.chase(seconds);
    const shift = this.mode === 'follow' ? this.followed.clone().sub(leader.followed) : new this.THREE.Vector3();
    const target = leader.orbit.target.clone().add(shift);
    this.eye.position.copy(leader.eye.position).add(shift);
    this.eye.quaternion.copy(leader.eye.quaternion);
    this.time = (leader.time / leader.rollout.rate) * this.rollout.rate;
    if (this.draw(Math.min(this.time, this.rollout.steps), this.mode, target)) showClock(this);
  }
  /** @returns whether anything has changed since the last picture: a still one is drawn once */
  draw(step, mode, target) {
    const picture = [step, this.time, mode, this.drawn, ...this.eye.position.toArray(), ...target.toArray()].join();
    if (picture === this.last) return false;
    this.last = picture;
    this.pose(step);
    const named = this.rollout.scene.cameras.find((camera) => camera.name === mode);
    const eye = named ? this.through(named) : this.eye;
    this.hideWalls(eye, target);
    this.renderer.render(this.scene, eye);
    return true;
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
  hideWalls(eye, aim) {
    for (const mesh of this.meshes) {
      if (!mesh.userData.wall) continue;
      mesh.geometry.computeBoundingBox();
      const size = mesh.geometry.boundingBox.max;
      const thin = size.x < size.y ? 'x' : 'y';
      const world = mesh.getWorldPosition(new this.THREE.Vector3());
      const target = eye === this.eye ? aim : new this.THREE.Vector3(0, 0, 0.6);
      mesh.visible = (eye.position[thin] - world[thin]) * (target[thin] - world[thin]) > 0;
    }
  }
  label() {
    $('.go').textContent = this.playing ? 'Pause' : 'Play';
    this.renderer.domElement.setAttribute('aria-label', 'The room, drawn from recorded poses' + (this.rollout ? ': ' + spoken(this.rollout) : ''));
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
`;
