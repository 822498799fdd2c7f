import type { Random } from '../../../base/index.ts';
import { factsOf, PressButton, paintRoom, TABLE } from '../../fixtures/index.ts';
import { type Formula, groundGoal } from '../../score/index.ts';
import { type Situation, type TaskRuntime, turn, type Vector3, type World, yawQuaternion } from '../../world/index.ts';

/** Metres. */
export const RADIO = { half: [0.05, 0.13, 0.07] as Vector3, travel: 0.012, buttonRadius: 0.036 };
/** Height of the released button's upper face above the radio's foot. */
export const BUTTON_TOP = 2 * RADIO.half[2] + 0.024;
/** Contact sensors of the button are named after this. */
export const PRESS = 'press';
export const RADIO_GOAL: Formula = ['toggled_on', 'radio'];

/** What lights up while the radio is on: colours off and on. */
const LIGHTS: Readonly<Record<'radio_display' | 'radio_ring', readonly [Vector3, Vector3]>> = {
  radio_display: [
    [0.1, 0.12, 0.12],
    [0.3, 1, 0.45],
  ],
  radio_ring: [
    [0.95, 0.94, 0.9],
    [0.35, 1, 0.4],
  ],
};

/** Forward distance from the base below which the button is within reach, metres. */
const REACH = 0.68;

/** One for each stage. */
export const RADIO_SKILLS = [
  'approach the radio',
  'raise the hand',
  'hand above the button',
  'press the button',
  'radio is on',
] as const;

export class RadioRuntime implements TaskRuntime {
  private playing = false;
  private readonly button: PressButton;
  readonly goal;

  constructor(private readonly world: World) {
    this.button = new PressButton(world, 'button', PRESS);
    this.goal = groundGoal(RADIO_GOAL, factsOf(world, { radio: { isOn: () => this.on } }));
  }

  get on(): boolean {
    return this.playing;
  }

  /** Switches it: its display and the ring around the button light up, or go dark. */
  set on(playing: boolean) {
    this.playing = playing;
    for (const [geom, [off, lit]] of Object.entries(LIGHTS)) this.world.paint(geom, playing ? lit : off);
  }

  place(random: Random): void {
    const { world } = this;
    this.on = false;
    this.button.pressed = false;
    const x = random.between(0.1, 0.24);
    const y = random.between(-0.15, 0.15);
    world.placeFixed('table', [TABLE.halfX, random.between(-0.08, 0.08), 0], [1, 0, 0, 0]);
    world.placeFixed('radio', [x, y, TABLE.top], yawQuaternion(random.between(-0.35, 0.35)));
    world.setBase(x - random.between(0.75, 1.3), y + random.between(-0.15, 0.45), random.between(-0.2, 0.2));
    const tint = paintRoom(world, random);
    world.paint('table', [0.5 + tint(), 0.35 + tint(), 0.22 + tint()]);
    const shade = random.between(0.75, 1);
    world.paint('radio_body', [0.25 * shade + tint(), 0.62 * shade + tint(), 0.66 * shade + tint()]);
    world.paint('button', [0.93 + tint(), 0.12 + tint(), 0.1 + tint()]);
  }

  /** Middle of the button's upper face, world frame. */
  get buttonTop(): Vector3 {
    return this.button.top;
  }

  afterStep(): void {
    if (this.button.update()) this.on = !this.on;
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
    return { stage, skill: RADIO_SKILLS[stage] ?? '', target, destination: target };
  }

  save(): readonly number[] {
    return [Number(this.on), Number(this.button.pressed)];
  }

  load(saved: readonly number[]): void {
    this.on = saved[0] === 1;
    this.button.pressed = saved[1] === 1;
  }
}
