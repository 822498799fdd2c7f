import type { Random } from '../../../base/index.ts';
import {
  box,
  type HomeTask,
  legs,
  SIDES,
  type Situation,
  type TaskRuntime,
  turn,
  type Vector3,
  vectorAt,
  type World,
  yawQuaternion,
} from '../../world/index.ts';

/** Metres. The table's near edge is at x = 0. */
const TABLE = { halfX: 0.3, halfY: 0.65, top: 0.5 };
const RADIO = { half: [0.05, 0.13, 0.07] as Vector3, travel: 0.012, buttonRadius: 0.036 };
/** Height of the released button's upper face above the radio's foot. */
const BUTTON_TOP = 2 * RADIO.half[2] + 0.024;
/** The radio toggles when a hand has pushed the button this deep, once until the button is let up again. */
const TOGGLE_DEPTH = 0.006;
const RELEASE_DEPTH = 0.002;
const PRESSING_GEOMS = SIDES.flatMap((side) => [`${side}_pad1`, `${side}_pad2`, `${side}_palm`]);

/** Forward distance from the base below which the button is within reach, metres. */
const REACH = 0.68;

export class RadioRuntime implements TaskRuntime {
  on = false;
  private pressed = false;
  private readonly button: number;
  private readonly slide: number;
  private readonly contacts: readonly number[];

  constructor(private readonly world: World) {
    const { physics } = world;
    this.button = physics.id('body', 'button');
    this.slide = physics.positionAddress('button');
    this.contacts = PRESSING_GEOMS.map((geom) => physics.sensorAddress(`press_${geom}`));
  }

  readonly goal = {
    literals: [{ text: 'toggled_on(radio)', holds: () => this.on }],
    options: [[0]],
  };

  place(random: Random): void {
    const { world } = this;
    this.on = false;
    this.pressed = false;
    const x = random.between(0.1, 0.24);
    const y = random.between(-0.15, 0.15);
    world.placeFixed('table', [TABLE.halfX, random.between(-0.08, 0.08), 0], [1, 0, 0, 0]);
    world.placeFixed('radio', [x, y, TABLE.top], yawQuaternion(random.between(-0.35, 0.35)));
    world.setBase(x - random.between(0.75, 1.3), y + random.between(-0.15, 0.45), random.between(-0.2, 0.2));
    const tint = () => random.between(-0.05, 0.05);
    const light = random.between(0.9, 1.05);
    world.paint('floor', [0.74 * light + tint(), 0.68 * light + tint(), 0.58 * light + tint()]);
    world.paint('wall', [0.86 + tint(), 0.85 + tint(), 0.82 + tint()]);
    world.paint('table', [0.5 + tint(), 0.35 + tint(), 0.22 + tint()]);
    const shade = random.between(0.75, 1);
    world.paint('radio_body', [0.25 * shade + tint(), 0.62 * shade + tint(), 0.66 * shade + tint()]);
    world.paint('button', [0.93 + tint(), 0.12 + tint(), 0.1 + tint()]);
  }

  /** Depth of the button in metres, 0 when released. */
  private get depth(): number {
    return -this.world.physics.views.qpos[this.slide];
  }

  /** Middle of the button's upper face, world frame. */
  get buttonTop(): Vector3 {
    return vectorAt(this.world.physics.views.xpos, this.button);
  }

  afterStep(): void {
    const { sensor } = this.world.physics.views;
    if (this.depth < RELEASE_DEPTH) this.pressed = false;
    else if (!this.pressed && this.depth >= TOGGLE_DEPTH && this.contacts.some((address) => sensor[address] > 0)) {
      this.pressed = true;
      this.on = !this.on;
    }
  }

  situation(): Situation {
    const { world } = this;
    const target = this.buttonTop;
    const tip = world.hands.right.tip;
    const [bx, by, yaw] = world.base;
    const [forward] = turn([target[0] - bx, target[1] - by, 0], -yaw);
    const aside = Math.hypot(tip[0] - target[0], tip[1] - target[1]);
    let stage = 4;
    if (!this.on) {
      if (aside < 0.02) stage = 3;
      else if (aside < 0.1) stage = 2;
      else stage = forward < REACH ? 1 : 0;
    }
    return { stage, skill: turningOnRadio.skills[stage], target, destination: target };
  }

  save(): readonly number[] {
    return [Number(this.on), Number(this.pressed)];
  }

  load(saved: readonly number[]): void {
    this.on = saved[0] === 1;
    this.pressed = saved[1] === 1;
  }
}

const radioBody = `
  <body name="table" pos="${TABLE.halfX} 0 0">
    ${box('table_top', [TABLE.halfX, TABLE.halfY, 0.015], [0, 0, TABLE.top - 0.015], '.5 .35 .22 1')}
    ${legs(TABLE.halfX, TABLE.halfY, TABLE.top - 0.03, '.3 .2 .13 1')}
  </body>
  <body name="radio" pos=".15 0 ${TABLE.top}">
    ${box('radio_body', RADIO.half, [0, 0, RADIO.half[2]], '.25 .62 .66 1')}
    <geom class="decoration" type="cylinder" size=".047 .003" pos="${-RADIO.half[0]} .065 .065" euler="0 1.5708 0" rgba=".12 .12 .13 1"/>
    <geom class="decoration" type="cylinder" size=".028 .003" pos="${-RADIO.half[0]} -.07 .085" euler="0 1.5708 0" rgba=".93 .9 .75 1"/>
    <geom class="decoration" type="box" size=".003 .04 .008" pos="${-RADIO.half[0]} -.07 .03" rgba=".93 .9 .75 1"/>
    <geom class="decoration" type="capsule" size=".004" fromto=".035 .115 .14 .06 .16 .36" rgba=".75 .75 .78 1"/>
    <geom type="cylinder" size=".046 .004" pos="0 0 ${2 * RADIO.half[2] + 0.004}" rgba=".95 .94 .9 1"/>
    <body name="button" pos="0 0 ${BUTTON_TOP}">
      <joint name="button" type="slide" axis="0 0 1" range="${-RADIO.travel} 0" stiffness="200" springref=".003" damping="4"/>
      <geom name="button" type="cylinder" size="${RADIO.buttonRadius} .009" pos="0 0 -.009" mass=".04" rgba=".93 .12 .1 1"/>
    </body>
  </body>`;

/** A radio on a low table; a hand presses the red button on its top. */
export const turningOnRadio: HomeTask<RadioRuntime> = {
  id: 0,
  name: 'turning_on_radio',
  instruction: 'Turn on the radio on the table in the living room.',
  numStages: 5,
  meanExpertSteps: 115,
  skills: ['approach the radio', 'raise the hand', 'hand above the button', 'press the button', 'radio is on'],
  bodies: radioBody,
  sensors: PRESSING_GEOMS.map(
    (geom) => `<contact name="press_${geom}" geom1="${geom}" geom2="button" data="found" num="1"/>`,
  ).join(''),
  excluded: [['radio', 'button']],
  graspable: [],
  create: (world) => new RadioRuntime(world),
};
