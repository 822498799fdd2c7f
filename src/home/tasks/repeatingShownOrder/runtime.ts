import type { Random } from '../../../base/index.ts';
import { drawStyle, type Style } from '../../expert/index.ts';
import { factsOf, PressButton, paintRoom, TABLE } from '../../fixtures/index.ts';
import { type Formula, type Goal, groundGoal } from '../../score/index.ts';
import { type Situation, type TaskRuntime, type Vector3, type World, yawQuaternion } from '../../world/index.ts';

/** Names of the buttons from the robot's left to its right, and where they are on the panel, metres. */
export const BUTTONS = ['left_button', 'middle_button', 'right_button'] as const;
export const PANEL = { half: [0.08, 0.24, 0.03] as Vector3, apart: 0.15, buttonAt: -0.02, lampAt: 0.05, radius: 0.034 };
export const PANEL_TOP = 2 * PANEL.half[2] + 0.02;
/** Control steps after the reset during which each light is on, in the order of the show. */
const SHOWN = [
  [20, 50],
  [65, 95],
] as const;
/** The show is over. */
const OVER = 105;
const DARK: Vector3 = [0.2, 0.2, 0.18];
const LIT: Vector3 = [1, 0.9, 0.25];

export const ORDER_GOAL: Formula = ['forall', '?light', ['first_light', 'second_light'], ['toggled_on', '?light']];

/** The orders that can be shown: two different buttons. */
const ORDERS = [0, 1, 2].flatMap((first) => [0, 1, 2].filter((b) => b !== first).map((b) => [first, b] as const));
const sayButton = (button: number) => (BUTTONS[button] ?? '').replace('_button', '');

/** One for each stage: the show, an order of which nothing is done, a button that is left to press. */
export const ORDER_SKILLS: readonly string[] = [
  'watch the lights',
  ...ORDERS.map(([first, second]) => `press ${sayButton(first)}, then ${sayButton(second)}`),
  ...[0, 1, 2].map((button) => `press ${sayButton(button)}, the last`),
];

/** Three buttons with a light each. Two lights go on, one after the other; then nothing tells which. */
export class OrderRuntime implements TaskRuntime {
  readonly goal: Goal;
  style: Style = { speed: 1, lift: 0, stand: [0, 0] };
  /** The buttons in the order that is shown. */
  order: readonly number[] = [0, 1];
  private clock = 0;
  /** Presses that were right so far; after a wrong one no more count. */
  private right = 0;
  private wrong = false;
  private lit = -1;
  private readonly buttons: readonly PressButton[];

  constructor(private readonly world: World) {
    this.buttons = BUTTONS.map((name) => new PressButton(world, name));
    this.goal = groundGoal(
      ORDER_GOAL,
      factsOf(world, { first_light: { isOn: () => this.right > 0 }, second_light: { isOn: () => this.right > 1 } }),
    );
  }

  place(random: Random): void {
    const { world } = this;
    this.load([0, 0, 0, ...this.buttons.map(() => 0)]);
    this.order = random.shuffle([0, 1, 2]).slice(0, 2);
    this.style = drawStyle(random);
    const x = random.between(0.12, 0.22);
    const y = random.between(-0.15, 0.15);
    const yaw = random.between(-0.2, 0.2);
    world.placeFixed('table', [TABLE.halfX, random.between(-0.08, 0.08), 0], [1, 0, 0, 0]);
    world.placeFixed('panel', [x, y, TABLE.top], yawQuaternion(yaw));
    world.setBase(x - random.between(0.75, 1.1), y + random.between(-0.05, 0.45), random.between(-0.2, 0.2));
    const tint = paintRoom(world, random);
    world.paint('table', [0.5 + tint(), 0.35 + tint(), 0.22 + tint()]);
    world.paint('panel_body', [0.78 + tint(), 0.8 + tint(), 0.83 + tint()]);
    for (const name of BUTTONS) world.paint(name, [0.2 + tint(), 0.35 + tint(), 0.75 + tint()]);
  }

  /** The lights are over: it is the robot's turn. */
  get turnOfRobot(): boolean {
    return this.clock >= OVER;
  }

  /** The button to press next; undefined when all are done. */
  get next(): number | undefined {
    return this.order[this.right];
  }

  /** The button is down and its push has counted: it is to be let up. */
  isDown(button: number): boolean {
    return this.buttons[button]?.pressed ?? false;
  }

  /** Middle of a button's upper face, world frame. */
  top(button: number): Vector3 {
    return (this.buttons[button] as PressButton).top;
  }

  afterStep(): void {
    this.clock++;
    this.light();
    for (const [i, button] of this.buttons.entries()) {
      if (!button.update() || this.next === undefined) continue;
      // Who presses before the show is over does not count as having seen it.
      if (this.turnOfRobot && !this.wrong && i === this.next) this.right++;
      else this.wrong = true;
    }
  }

  situation(): Situation {
    const next = this.next ?? (this.order.at(-1) as number);
    const target = this.turnOfRobot ? this.top(next) : this.top(1);
    let stage = 0;
    if (this.turnOfRobot)
      stage = this.right === 0 ? 1 + ORDERS.findIndex((order) => order.every((b, i) => b === this.order[i])) : 7 + next;
    return { stage, skill: ORDER_SKILLS[stage] ?? '', target, destination: target };
  }

  save(): readonly number[] {
    return [this.clock, this.right, Number(this.wrong), ...this.buttons.map(({ pressed }) => Number(pressed))];
  }

  load([clock = 0, right = 0, wrong = 0, ...pressed]: readonly number[]): void {
    this.clock = clock;
    this.right = right;
    this.wrong = wrong === 1;
    for (const [i, button] of this.buttons.entries()) button.pressed = pressed[i] === 1;
    this.lit = -1;
    for (const name of BUTTONS) this.world.paint(`lamp_${name}`, DARK);
    this.light();
  }

  /** Paints the lamps as the show has it now. */
  private light(): void {
    const shown = SHOWN.findIndex(([from, to]) => this.clock >= from && this.clock < to);
    const lit = shown < 0 ? -1 : (this.order[shown] as number);
    if (lit === this.lit) return;
    for (const [i, name] of BUTTONS.entries()) this.world.paint(`lamp_${name}`, i === lit ? LIT : DARK);
    this.lit = lit;
  }
}
