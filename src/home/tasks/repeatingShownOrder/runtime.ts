import type { Random } from '../../../base/index.ts';
import { drawStyle, Slip, type Style } from '../../expert/index.ts';
import { factsOf, PressButton, paintRoom, TABLE } from '../../fixtures/index.ts';
import { type Formula, type Goal, groundGoal } from '../../score/index.ts';
import { type Situation, type TaskRuntime, type Vector3, type World, yawQuaternion } from '../../world/index.ts';
import { BUTTONS, ORDER_SKILLS, oneLeft, seenBoth, seenOne } from './stages.ts';

/** Where buttons and lamps are on the panel, metres. */
export const PANEL = { half: [0.08, 0.24, 0.03] as Vector3, apart: 0.15, buttonAt: -0.02, lampAt: 0.05, radius: 0.034 };
export const PANEL_TOP = 2 * PANEL.half[2] + 0.02;
/**
 * Control steps after the reset during which each light is on, in the order of the show: long enough for five plans to
 * see it.
 */
const SHOWN = [
  [15, 115],
  [135, 235],
] as const;
/** The show is over. */
const OVER = 240;
const DARK: Vector3 = [0.2, 0.2, 0.18];
const LIT: Vector3 = [1, 0.9, 0.25];
/** Of a button that was pressed in its turn, and of one that was not. */
const RIGHT: Vector3 = [0.2, 0.95, 0.35];
const WRONG: Vector3 = [0.95, 0.15, 0.1];
/** Metres: a slip comes down so far in front of the first button, and is noticed so low and so near to that place. */
const SLIP = { before: 0.06, low: 0.06, within: 0.02 };

export const ORDER_GOAL: Formula = ['forall', '?light', ['first_light', 'second_light'], ['toggled_on', '?light']];

/**
 * Three buttons with a light each. Two lights go on, one after the other; then nothing tells which. A button that is
 * pressed in its turn lights up green.
 */
export class OrderRuntime implements TaskRuntime {
  readonly goal: Goal;
  style: Style = { speed: 1, lift: 0, stand: [0, 0] };
  /** The buttons in the order that is shown. */
  order: readonly number[] = [0, 1];
  private clock = 0;
  /** Presses that were right so far; after a wrong one no more count. */
  private right = 0;
  private wrong = -1;
  private readonly slip = new Slip(SLIP.before);
  private painted = '';
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
    this.load([0, 0, -1, 0, ...this.buttons.map(() => 0)]);
    this.order = random.shuffle([0, 1, 2]).slice(0, 2);
    this.style = drawStyle(random);
    this.slip.draw(random);
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

  /** It was pressed in its turn. */
  private isDone(button: number): boolean {
    return this.order.slice(0, this.right).includes(button);
  }

  /** Middle of a button's upper face, world frame. */
  top(button: number): Vector3 {
    return (this.buttons[button] as PressButton).top;
  }

  /** Where the hand goes down: on the next button, or at first beside it. */
  get aim(): Vector3 {
    return this.slip.aim(this.top(this.next ?? 0));
  }

  afterStep(): void {
    this.clock++;
    for (const [i, button] of this.buttons.entries()) {
      if (!button.update()) continue;
      this.slip.pending = false;
      // A button that is green already may be pushed again.
      if (this.next === undefined || this.wrong >= 0 || this.isDone(i)) continue;
      // Who presses before the show is over does not count as having seen it.
      if (this.turnOfRobot && i === this.next) this.right++;
      else this.wrong = i;
    }
    const [x, y, z] = this.world.hands.right.tip;
    const [ax, ay, az] = this.aim;
    if (this.turnOfRobot && z - az < SLIP.low && Math.hypot(x - ax, y - ay) < SLIP.within) this.slip.pending = false;
    this.light();
  }

  situation(): Situation {
    const next = this.next ?? (this.order.at(-1) as number);
    const target = this.turnOfRobot ? this.top(next) : this.top(1);
    const { stage } = this;
    return { stage, skill: ORDER_SKILLS[stage] ?? '', target, destination: target };
  }

  /** What has been seen so far, then what is left to press. */
  private get stage(): number {
    const [first, second] = this.order as readonly [number, number];
    if (this.right > 0) return oneLeft(second);
    if (this.clock >= SHOWN[1][0]) return seenBoth(this.order);
    return this.clock >= SHOWN[0][0] ? seenOne(first) : 0;
  }

  save(): readonly number[] {
    const { clock, right, wrong, slip, buttons } = this;
    return [clock, right, wrong, Number(slip.pending), ...buttons.map(({ pressed }) => Number(pressed))];
  }

  load([clock = 0, right = 0, wrong = -1, slip = 0, ...pressed]: readonly number[]): void {
    this.clock = clock;
    this.right = right;
    this.wrong = wrong;
    this.slip.pending = slip === 1;
    for (const [i, button] of this.buttons.entries()) button.pressed = pressed[i] === 1;
    this.painted = '';
    this.light();
  }

  /** Paints the lamps as it is now: the show, then what was pressed. */
  private light(): void {
    const shown = SHOWN.findIndex(([from, to]) => this.clock >= from && this.clock < to);
    const lit = shown < 0 ? -1 : (this.order[shown] as number);
    const colours = BUTTONS.map((_, i) => {
      if (i === this.wrong) return WRONG;
      if (this.isDone(i)) return RIGHT;
      return i === lit ? LIT : DARK;
    });
    const painted = JSON.stringify(colours);
    if (painted === this.painted) return;
    for (const [i, name] of BUTTONS.entries()) this.world.paint(`lamp_${name}`, colours[i] as Vector3);
    this.painted = painted;
  }
}
