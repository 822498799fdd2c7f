import type { Random } from '../../../base/index.ts';
import { drawStyle, Slip, type Style } from '../../expert/index.ts';
import { factsOf, PressButton, paintRoom, TABLE } from '../../fixtures/index.ts';
import { type Formula, type Goal, groundGoal } from '../../score/index.ts';
import {
  type Situation,
  type TaskRuntime,
  turn,
  type Vector3,
  vectorAt,
  type World,
  yawQuaternion,
} from '../../world/index.ts';
import { COUNTING_SKILLS, countingStage, MOST_BALLS } from './stages.ts';

/** Metres. The ball rests in a nest on the stand, its middle so high above the table. */
export const BALL = { radius: 0.03, height: 0.07 };
export const BOX = { half: 0.075, height: 0.1, wall: 0.006 };
export const BELL = { radius: 0.034, top: 0.062 };
/** Box and bell stand so far to the sides of the ball's stand. */
const APART = 0.16;
/** The sign stands behind. */
const SIGN = 0.2;
/** Control steps after the reset during which the sign tells the number. */
const SHOWN = [15, 115] as const;
const OVER = 120;
/** Control steps until another ball lies on the stand: long enough for four plans to see that there is none. */
const WAIT = 80;
/** In front of the ball, where a hand closes on nothing. */
const SLIP = 0.055;
const LAMP = { dark: [0.2, 0.2, 0.18], lit: [1, 0.9, 0.25] } as const;
const RING = { quiet: [0.9, 0.9, 0.86], right: [0.2, 0.95, 0.35], wrong: [0.95, 0.15, 0.1] } as const;

export const COUNTING_GOAL: Formula = [
  'and',
  [
    ['inside', 'asked_balls', 'box'],
    ['toggled_on', 'bell'],
  ],
];

/**
 * A sign tells a number of balls and goes dark. One ball lies on the stand. When it has fallen into the box, which
 * swallows it, there is none for a while, then another. The bell ends the counting, right or wrong.
 */
export class CountingRuntime implements TaskRuntime {
  readonly goal: Goal;
  readonly slip = new Slip(SLIP);
  style: Style = { speed: 1, lift: 0, stand: [0, 0] };
  /** How many balls the sign tells. */
  asked = 1;
  private clock = 0;
  private count = 0;
  private rung = false;
  /** Steps until another ball lies on the stand; 0 while there is one. */
  private wait = 0;
  private painted = '';
  private readonly ballBody: number;
  private readonly ballVelocity: number;
  private readonly fixed: Readonly<Record<'stand' | 'box', number>>;
  private readonly bell: PressButton;

  constructor(private readonly world: World) {
    const { physics } = world;
    this.ballBody = physics.id('body', 'ball');
    this.ballVelocity = physics.velocityAddress('ball');
    this.fixed = { stand: physics.id('body', 'stand'), box: physics.id('body', 'box') };
    this.bell = new PressButton(world, 'bell');
    const contains = () => this.count === this.asked;
    const isOn = () => this.rung && contains();
    this.goal = groundGoal(COUNTING_GOAL, factsOf(world, { box: { contains }, bell: { isOn } }));
  }

  place(random: Random): void {
    const { world } = this;
    this.asked = 1 + random.integer(MOST_BALLS);
    this.style = drawStyle(random);
    this.slip.draw(random);
    const x = random.between(0.12, 0.2);
    const y = random.between(-0.12, 0.12);
    const yaw = random.between(-0.15, 0.15);
    const side = random.uniform() < 0.5 ? -1 : 1;
    world.placeFixed('table', [TABLE.halfX, random.between(-0.08, 0.08), 0], [1, 0, 0, 0]);
    const put = (name: string, ahead: number, aside: number) => {
      const [dx, dy] = turn([ahead, aside, 0], yaw);
      world.placeFixed(name, [x + dx, y + dy, TABLE.top], yawQuaternion(yaw));
    };
    put('stand', 0, 0);
    put('box', random.between(-0.02, 0.02), side * (APART + random.between(0, 0.02)));
    put('bell_base', random.between(-0.02, 0.02), -side * (APART + random.between(-0.02, 0.02)));
    put('sign', SIGN + random.between(0, 0.03), random.between(-0.04, 0.04));
    world.setBase(x - random.between(0.75, 1.1), y + random.between(-0.05, 0.45), random.between(-0.2, 0.2));
    const tint = paintRoom(world, random);
    world.paint('table', [0.5 + tint(), 0.35 + tint(), 0.22 + tint()]);
    world.paint('box_wall', [0.2 + tint(), 0.35 + tint(), 0.75 + tint()]);
    world.paint('ball', [0.95 + tint(), 0.25 + tint(), 0.1 + tint()]);
    // the stand moves with the model, so its place is known only now
    world.physics.poses();
    this.load([0, 0, 0, Number(this.slip.pending), 0, 0]);
    this.dispense();
  }

  /** The sign is dark: it is the robot's turn. */
  get turnOfRobot(): boolean {
    return this.clock >= OVER;
  }

  /** Balls that are still to be put in. */
  get left(): number {
    return this.asked - this.count;
  }

  /** The box has swallowed a ball, and there is no other yet. */
  get waiting(): boolean {
    return this.wait > 0;
  }

  get held(): boolean {
    return this.world.hands.right.held === 0 || this.world.hands.left.held === 0;
  }

  get ball(): Vector3 {
    return vectorAt(this.world.physics.views.xpos, this.ballBody);
  }

  /** Middle of the ball's stand, at the table. */
  get stand(): Vector3 {
    return vectorAt(this.world.physics.views.xpos, this.fixed.stand);
  }

  /** Where the middle of a ball on the stand is. */
  get nest(): Vector3 {
    const [x, y, z] = this.stand;
    return [x, y, z + BALL.height];
  }

  /** Middle of the box's opening. */
  get opening(): Vector3 {
    const [x, y, z] = vectorAt(this.world.physics.views.xpos, this.fixed.box);
    return [x, y, z + BOX.height];
  }

  /** Middle of the bell's button. */
  get bellTop(): Vector3 {
    return this.bell.top;
  }

  afterStep(): void {
    this.clock++;
    this.takeBack();
    if (this.bell.update()) this.rung = true;
    const { tip, opening } = this.world.hands.right;
    const [x, y] = this.slip.aim(this.ball);
    const there = Math.hypot(tip[0] - x, tip[1] - y) < 0.02 && opening < -0.7;
    if (this.held || there) this.slip.pending = false;
    this.paint();
  }

  /**
   * A ball that has fallen into the box counts until the bell has rung, and is seen no more. One that fell off
   * the table is replaced.
   */
  private takeBack(): void {
    if (this.wait > 0) {
      if (--this.wait === 0) this.dispense();
      return;
    }
    if (this.held) return;
    const [x, y, z] = this.ball;
    const [bx, by, top] = this.opening;
    if (Math.hypot(x - bx, y - by) < BOX.half && z < top - BALL.radius / 2) {
      if (!this.rung) this.count++;
      this.wait = WAIT;
      this.world.show('ball', false);
    } else if (z < TABLE.top - 0.1) this.dispense();
  }

  /** Puts a ball into the nest, at rest. */
  private dispense(): void {
    const { world, ballVelocity } = this;
    world.placeFree('ball', this.nest, [1, 0, 0, 0]);
    world.show('ball', true);
    world.physics.views.qvel.fill(0, ballVelocity, ballVelocity + 6);
    world.physics.poses();
  }

  situation(): Situation {
    const { left, waiting } = this;
    const stage = countingStage({ seen: this.clock >= SHOWN[0], left, waiting });
    const rings = left <= 0 && !waiting;
    const target = rings ? this.bellTop : waiting ? this.nest : this.ball;
    const destination = rings ? this.bellTop : this.opening;
    return { stage, skill: COUNTING_SKILLS[stage] ?? '', target, destination };
  }

  save(): readonly number[] {
    const { clock, count, rung, slip, bell, wait } = this;
    return [clock, count, Number(rung), Number(slip.pending), Number(bell.pressed), wait];
  }

  load([clock = 0, count = 0, rung = 0, slip = 0, pressed = 0, wait = 0]: readonly number[]): void {
    this.clock = clock;
    this.count = count;
    this.rung = rung === 1;
    this.slip.pending = slip === 1;
    this.bell.pressed = pressed === 1;
    this.wait = wait;
    this.world.show('ball', wait === 0);
    this.painted = '';
    this.paint();
  }

  /** Lamps of the sign, and the ring around the bell that tells whether it was right. */
  private paint(): void {
    const shows = this.clock >= SHOWN[0] && this.clock < SHOWN[1];
    const ring = this.rung ? (this.count === this.asked ? RING.right : RING.wrong) : RING.quiet;
    const lamps = Array.from({ length: MOST_BALLS }, (_, i) => (shows && i < this.asked ? LAMP.lit : LAMP.dark));
    const painted = JSON.stringify([ring, lamps]);
    if (painted === this.painted) return;
    this.painted = painted;
    this.world.paint('ring_bell', ring);
    for (const [i, colour] of lamps.entries()) this.world.paint(`lamp_${i}`, colour);
  }
}
