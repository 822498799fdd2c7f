import type { Random } from '../../../base/index.ts';
import { drawStyle, Misjudgement, type Style } from '../../expert/index.ts';
import { type DoorShape, factsOf, HingedDoor, paintRoom, TABLE } from '../../fixtures/index.ts';
import { type Formula, type Goal, groundGoal } from '../../score/index.ts';
import { type Side, type Situation, type TaskRuntime, type Vector3, vectorAt, type World } from '../../world/index.ts';

/** Metres. The fridge's front is at x = 0 of its body, the floor of its inside at `floor`; `half` is of its inside. */
export const FRIDGE = { half: [0.15, 0.17, 0.2] as Vector3, floor: 0.55, wall: 0.015 };
export const DOOR: DoorShape = { width: 0.36, height: 0.42, handleAt: 0.3, standoff: 0.055, handleLength: 0.2 };
export const BOTTLE = { radius: 0.028, half: 0.085 };
export const BOTTLES = ['bottle_1', 'bottle_2'] as const;
/** Which hand takes which bottle: the right one stands to the right. */
const HAND_OF: readonly Side[] = ['right', 'left'];

export const WATER_GOAL: Formula = [
  'and',
  [
    ['forall', '?bottle', BOTTLES, ['ontop', '?bottle', 'table']],
    ['not', ['open', 'fridge']],
  ],
];

/** The door is open wide enough to reach in, radians. */
export const WIDE = 1.2;

/** One for each stage. */
export const WATER_SKILLS = [
  'go to the fridge',
  'grasp the handle',
  'pull the door open',
  'take the first bottle',
  'take the second bottle',
  'carry the bottles to the table',
  'put the bottles down',
  'go back to the fridge',
  'push the door closed',
] as const;

export interface BottleState {
  readonly index: number;
  readonly hand: Side;
  /** Its middle, world frame. */
  readonly position: Vector3;
  readonly held: boolean;
  /** It stands on the table, let go. */
  readonly delivered: boolean;
}

export class WaterRuntime implements TaskRuntime {
  readonly goal: Goal;
  readonly door: HingedDoor;
  style: Style = { speed: 1, lift: 0, stand: [0, 0] };
  /** The handle's place may be misjudged. */
  readonly misjudgement = new Misjudgement();
  private readonly bodies: readonly number[];
  private readonly table: number;
  private readonly fridge: number;
  private readonly holds: ReturnType<typeof factsOf>;

  constructor(private readonly world: World) {
    const { physics } = world;
    this.door = new HingedDoor(world, 'fridge_door', DOOR);
    this.bodies = BOTTLES.map((name) => physics.id('body', name));
    this.table = physics.id('body', 'table');
    this.fridge = physics.id('body', 'fridge');
    const extent = { middle: [0, 0, 0] as Vector3, half: [BOTTLE.radius, BOTTLE.radius, BOTTLE.half] as Vector3 };
    this.holds = factsOf(world, {
      ...Object.fromEntries(BOTTLES.map((body) => [body, { body, extent }])),
      table: {
        body: 'table',
        extent: { middle: [0, 0, TABLE.top / 2], half: [TABLE.halfX, TABLE.halfY, TABLE.top / 2] },
      },
      fridge: { isOpen: () => this.door.isOpen },
    });
    this.goal = groundGoal(WATER_GOAL, this.holds);
  }

  place(random: Random): void {
    const { world } = this;
    const x = random.between(0, 0.1);
    const y = random.between(0.15, 0.3);
    world.placeFixed('fridge', [x, y, 0], [1, 0, 0, 0]);
    world.placeFixed(
      'table',
      [x + TABLE.halfX + random.between(-0.02, 0.05), y - random.between(0.9, 0.96), 0],
      [1, 0, 0, 0],
    );
    const level = FRIDGE.floor + BOTTLE.half;
    const places = [-0.075, 0.055];
    BOTTLES.forEach((name, i) => {
      const at: Vector3 = [
        x + random.between(0.07, 0.13),
        y + (places[i] as number) + random.between(-0.012, 0.012),
        level,
      ];
      world.placeFree(name, at, [1, 0, 0, 0]);
    });
    this.door.angle = 0;
    world.setBase(x - random.between(0.9, 1.2), y + random.between(-0.3, 0.15), random.between(-0.15, 0.15));
    this.style = drawStyle(random);
    this.misjudgement.draw(random, 0.3, [0.04, 0.06]);
    const tint = paintRoom(world, random);
    world.paint('table', [0.5 + tint(), 0.35 + tint(), 0.22 + tint()]);
    const shade = random.between(0.85, 1);
    for (const part of ['fridge_shell', 'fridge_door_panel'])
      world.paint(part, [0.86 * shade + tint(), 0.88 * shade + tint(), 0.9 * shade + tint()]);
    for (const name of BOTTLES) world.paint(name, [0.2 + tint(), 0.5 + tint(), 0.85 + tint()]);
  }

  bottle(index: number): BottleState {
    const { hands, physics } = this.world;
    const held = hands.left.held === index || hands.right.held === index;
    const name = BOTTLES[index] as string;
    return {
      index,
      hand: hands.left.held === index ? 'left' : hands.right.held === index ? 'right' : (HAND_OF[index] as Side),
      position: vectorAt(physics.views.xpos, this.bodies[index] as number),
      held,
      delivered: !held && this.holds(['ontop', name, 'table']),
    };
  }

  get bottles(): readonly BottleState[] {
    return BOTTLES.map((_, i) => this.bottle(i));
  }

  /** The bottle to take next: not delivered, in no hand. */
  get next(): BottleState | undefined {
    return this.bottles.find(({ held, delivered }) => !held && !delivered);
  }

  /** A hand holds the door's handle. */
  get handleHeld(): boolean {
    const { left, right } = this.world.hands;
    return left.held === BOTTLES.length || right.held === BOTTLES.length;
  }

  /** The way in is open; a hand that is pulling goes on a little. */
  get wideOpen(): boolean {
    return this.door.angle > (this.handleHeld ? WIDE + 0.33 : WIDE);
  }

  /** A point of the fridge to stand by: in the middle of its inside, in front. */
  get stand(): Vector3 {
    const [x, y] = vectorAt(this.world.physics.views.xpos, this.fridge);
    return [x + 0.1, y, FRIDGE.floor];
  }

  /** Where the bottle of a hand goes: its middle on the table, world frame. */
  spot(hand: Side): Vector3 {
    const [x, y] = vectorAt(this.world.physics.views.xpos, this.table);
    return [x - TABLE.halfX + 0.14, y + 0.36 + (hand === 'left' ? 0.13 : -0.13), TABLE.top + BOTTLE.half];
  }

  afterStep(): void {
    if (this.handleHeld) this.misjudgement.noticed = true;
    else this.misjudgement.notice(this.door.handle, this.world.hands.right.tip);
  }

  situation(): Situation {
    const { door, next, world } = this;
    const [x, y] = world.base;
    const held = this.bottles.filter((bottle) => bottle.held);
    const delivered = this.bottles.filter((bottle) => bottle.delivered).length;
    const spot = this.spot('right');
    const handle = door.handle;
    let stage: number;
    let [target, destination] = [handle, handle];
    if (delivered === BOTTLES.length) {
      stage = Math.hypot(handle[0] - x, handle[1] - y) < 0.75 || !door.isOpen ? 8 : 7;
    } else if (held.length > 0 && (!next || delivered > 0)) {
      const bottle = held[0] as BottleState;
      [target, destination] = [bottle.position, this.spot(bottle.hand)];
      stage = Math.abs(spot[1] - y) < 0.35 ? 6 : 5;
    } else if (next && delivered > 0) {
      // One stands on the table already.
      [target, destination] = [next.position, this.spot(next.hand)];
      stage = 6;
    } else if (next && (this.wideOpen || held.length > 0)) {
      [target, destination] = [next.position, this.spot(next.hand)];
      stage = held.length > 0 ? 4 : 3;
    } else {
      destination = door.point(DOOR.handleAt, DOOR.standoff, WIDE);
      if (this.handleHeld || door.isOpen) stage = 2;
      else stage = Math.hypot(handle[0] - x, handle[1] - y) < 0.75 ? 1 : 0;
    }
    return { stage, skill: WATER_SKILLS[stage] ?? '', target, destination };
  }

  save(): readonly number[] {
    return [Number(this.misjudgement.noticed)];
  }

  load([noticed]: readonly number[]): void {
    this.misjudgement.noticed = noticed === 1;
  }
}
