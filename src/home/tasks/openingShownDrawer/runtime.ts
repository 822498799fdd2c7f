import type { Random } from '../../../base/index.ts';
import { drawStyle, Slip, type Style } from '../../expert/index.ts';
import { Drawer, type DrawerShape, factsOf, HANDLE, paintRoom } from '../../fixtures/index.ts';
import { type Formula, type Goal, groundGoal } from '../../score/index.ts';
import {
  clamp,
  type Situation,
  type TaskRuntime,
  turn,
  type Vector3,
  type World,
  yawQuaternion,
} from '../../world/index.ts';
import { DRAWER_SKILLS, DRAWERS, drawerStage } from './stages.ts';

/** Metres: drawers side by side in a chest on legs, whose front is at the body's origin. */
export const DRAWER: DrawerShape = { half: [0.14, 0.125, 0.065], range: 0.22 };
export const CHEST = { apart: 0.27, height: 0.49, top: 0.575 };
/** Control steps after the reset: the shown drawer stands open between them, and slides in and out beside them. */
const SHOWN = { out: 15, open: 25, close: 110, closed: 135 };
/** From here on it counts as seen. */
const SEEN = 20;
/** All is closed and still. */
const OVER = 145;
/** How far out the shown drawer stands. */
const SHOWN_METRES = 0.2;
/** In front of the handle, where a hand closes on nothing. */
const SLIP = 0.055;

export const DRAWER_GOAL: Formula = ['open', 'drawer_with_ball'];

/**
 * Three closed drawers. One slides open by itself and shows that a ball lies in it, then closes; nothing tells which
 * one it was. Whoever opens another one first has lost.
 */
export class DrawerRuntime implements TaskRuntime {
  readonly goal: Goal;
  readonly slip = new Slip(SLIP);
  style: Style = { speed: 1, lift: 0, stand: [0, 0] };
  /** The drawer that holds the ball. */
  private ball = 0;
  private clock = 0;
  private wrong = false;
  /** How far out the shown drawer is drawn now. */
  private out = Number.NaN;
  /** Where the chest stands: middle of its front, yaw. */
  private chest: readonly [Vector3, number] = [[0, 0, 0], 0];
  private readonly drawers: readonly Drawer[];

  constructor(private readonly world: World) {
    this.drawers = DRAWERS.map((name) => new Drawer(world, name, DRAWER.range));
    const isOpen = () => !this.wrong && this.drawer.isOpen;
    this.goal = groundGoal(DRAWER_GOAL, factsOf(world, { drawer_with_ball: { isOpen } }));
  }

  place(random: Random): void {
    const { world } = this;
    this.shown = random.integer(DRAWERS.length);
    this.style = drawStyle(random);
    this.slip.draw(random);
    const x = random.between(0.02, 0.12);
    const y = random.between(-0.12, 0.12);
    const yaw = random.between(-0.12, 0.12);
    this.chest = [[x, y, CHEST.height], yaw];
    world.placeFixed('chest', [x, y, 0], yawQuaternion(yaw));
    this.load([0, 0, Number(this.slip.pending)]);
    world.setBase(x - random.between(0.85, 1.15), y + random.between(-0.05, 0.45), random.between(-0.2, 0.2));
    const tint = paintRoom(world, random);
    const shade = random.between(0.8, 1.05);
    world.paint('chest', [0.5 * shade + tint(), 0.36 * shade + tint(), 0.24 * shade + tint()]);
    const front = [0.82 + tint(), 0.76 + tint(), 0.66 + tint()] as const;
    for (const name of DRAWERS) world.paint(`${name}_`, front);
    world.paint('ball', [0.95 + tint(), 0.3 + tint(), 0.1 + tint()]);
  }

  /** Which drawer holds the ball, from the robot's left. */
  get shown(): number {
    return this.ball;
  }

  set shown(ball: number) {
    this.ball = ball;
    for (const [i, name] of DRAWERS.entries()) this.world.show(`ball_${name}`, i === ball);
  }

  /** The show is over: it is the robot's turn. */
  get turnOfRobot(): boolean {
    return this.clock >= OVER;
  }

  /** The drawer that holds the ball. */
  get drawer(): Drawer {
    return this.drawers[this.ball] as Drawer;
  }

  /** Where the middle handle is while its drawer is closed: what the robot watches. */
  get middle(): Vector3 {
    const [[x, y, z], yaw] = this.chest;
    const [dx, dy, dz] = turn(HANDLE, yaw);
    return [x + dx, y + dy, z + dz];
  }

  /** Its handle is in the robot's right hand. */
  get held(): boolean {
    return this.world.hands.right.held === this.ball;
  }

  afterStep(): void {
    this.clock++;
    this.slide();
    if (this.drawers.some((drawer, i) => i !== this.ball && drawer.isOpen)) this.wrong = true;
    const { tip, opening, held } = this.world.hands.right;
    const [x, y] = this.slip.aim(this.drawer.handle);
    const there = Math.hypot(tip[0] - x, tip[1] - y) < 0.02 && opening < -0.7;
    if (held >= 0 || there) this.slip.pending = false;
  }

  situation(): Situation {
    const { ball, turnOfRobot, drawer } = this;
    const handle = turnOfRobot ? drawer.handle : this.middle;
    const stage = drawerStage({ seen: this.clock >= SEEN, shown: ball, held: this.held || drawer.isOpen });
    const [x, y, z] = handle;
    return { stage, skill: DRAWER_SKILLS[stage] ?? '', target: handle, destination: [x - DRAWER.range, y, z] };
  }

  save(): readonly number[] {
    return [this.clock, Number(this.wrong), Number(this.slip.pending)];
  }

  load([clock = 0, wrong = 0, slip = 0]: readonly number[]): void {
    this.clock = clock;
    this.wrong = wrong === 1;
    this.slip.pending = slip === 1;
    this.out = Number.NaN;
    this.slide();
  }

  /** Moves the shown drawer as a whole, its joint closed: the show leaves no trace in the physics either. */
  private slide(): void {
    const { out, open, close, closed } = SHOWN;
    const { clock } = this;
    const share = Math.min(clamp((clock - out) / (open - out), 0, 1), clamp((closed - clock) / (closed - close), 0, 1));
    if (share === this.out) return;
    this.out = share;
    const [[x, y, z], yaw] = this.chest;
    for (const [i, name] of DRAWERS.entries()) {
      const ahead = i === this.ball ? -SHOWN_METRES * share : 0;
      const [dx, dy] = turn([ahead, CHEST.apart * (1 - i), 0], yaw);
      this.world.placeFixed(name, [x + dx, y + dy, z], yawQuaternion(yaw));
    }
    this.world.physics.poses();
  }
}
