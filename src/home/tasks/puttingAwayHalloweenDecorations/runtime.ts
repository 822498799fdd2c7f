import type { Random } from '../../../base/index.ts';
import { drawStyle, Slip, type Style } from '../../expert/index.ts';
import { Drawer, factsOf, paintRoom, TABLE, type Thing } from '../../fixtures/index.ts';
import { type Formula, type Goal, groundGoal } from '../../score/index.ts';
import { type Situation, subtract, type TaskRuntime, type Vector3, vectorAt, type World } from '../../world/index.ts';
import { CABINET, CABINET_DRAWER, CANDLE, CAULDRON, onTable, PUMPKIN, STOOL, TABLE_HALF_Y } from './scene.ts';
import { CANDLES, HALLOWEEN_SKILLS, halloweenStage, PUMPKINS, STOWED } from './stages.ts';

export const HALLOWEEN_GOAL: Formula = [
  'and',
  [
    ['forall', '?pumpkin', PUMPKINS, ['inside', '?pumpkin', 'cabinet']],
    ['forall', '?candle', CANDLES, ['inside', '?candle', 'cabinet']],
    ['not', ['open', 'cabinet']],
    ['nextto', 'cauldron', 'table'],
  ],
];

/** Indices of what hands may hold: the decorations, the cauldron, the drawer's handle. */
const CAULDRON_INDEX = STOWED.length;
const HANDLE_INDEX = CAULDRON_INDEX + 1;
/** Shares of the drawer's range: wide enough to put things in, and shut; a hand that moves it goes on a little. */
const WIDE = { held: 0.92, free: 0.72 };
const AJAR = { held: 0.02, free: 0.04 };
/** Where things stand on the table, metres: so far apart, and so far from its near edge. */
const APART = 0.12;
const FROM_EDGE: readonly [number, number] = [0.09, 0.13];
/** The table stands nearer to the robot than the cabinet: it need not step back for the open drawer, metres. */
const TABLE_AHEAD = 0.22;
/** Where decorations go in the drawer, in its frame: the back row first. */
const PLACES: readonly (readonly [number, number])[] = [
  [0.16, -0.11],
  [0.16, 0.01],
  [0.16, 0.12],
  [0.08, -0.06],
  [0.08, 0.06],
];
/** What was let go so far above the rim falls in, metres. */
const FALLING = 0.15;
/** What is so far below the table's top has fallen from it, metres. */
const OUT_OF_REACH = 0.2;
/** In front of a thing, where a hand closes on nothing. */
const SLIP = 0.06;

export class HalloweenRuntime implements TaskRuntime {
  readonly goal: Goal;
  readonly drawer: Drawer;
  /** The first decoration may be missed once. */
  readonly slip = new Slip(SLIP);
  style: Style = { speed: 1, lift: 0, stand: [0, 0] };
  private readonly bodies: readonly number[];
  private readonly drawerBody: number;
  private readonly stool: number;
  private readonly holds: ReturnType<typeof factsOf>;

  constructor(private readonly world: World) {
    const { physics } = world;
    this.drawer = new Drawer(world, 'drawer', CABINET_DRAWER.range);
    this.bodies = [...STOWED, 'cauldron'].map((name) => physics.id('body', name));
    this.drawerBody = physics.id('body', 'drawer');
    this.stool = physics.id('body', 'stool');
    const [depth, width, height] = CABINET_DRAWER.half;
    const small =
      (half: Vector3) =>
      (name: string): [string, Thing] => [name, { body: name, extent: { middle: [0, 0, 0], half } }];
    this.holds = factsOf(world, {
      ...Object.fromEntries([
        ...PUMPKINS.map(small(PUMPKIN)),
        ...CANDLES.map(small(CANDLE)),
        small(CAULDRON)('cauldron'),
      ]),
      cabinet: {
        body: 'drawer',
        interior: { middle: [depth, 0, 0], half: [depth, width, height] },
        isOpen: () => this.drawer.isOpen,
      },
      table: {
        body: 'table',
        extent: { middle: [0, 0, TABLE.top / 2], half: [TABLE.halfX, TABLE_HALF_Y, TABLE.top / 2] },
      },
    });
    this.goal = groundGoal(HALLOWEEN_GOAL, this.holds);
  }

  place(random: Random): void {
    const { world } = this;
    const x = random.between(-0.02, 0.03);
    const y = random.between(0.3, 0.42);
    world.placeFixed('cabinet', [x, y, 0], [1, 0, 0, 0]);
    world.placeFixed('drawer', [x, y, CABINET.height], [1, 0, 0, 0]);
    const edge = x - TABLE_AHEAD;
    const table = y - CABINET.halfY - random.between(0.06, 0.1) - TABLE_HALF_Y;
    world.placeFixed('table', [edge + TABLE.halfX, table, 0], [1, 0, 0, 0]);
    const stool = table - TABLE_HALF_Y - STOOL.apart - STOOL.half;
    world.placeFixed('stool', [edge + random.between(0.1, 0.13), stool, 0], [1, 0, 0, 0]);
    const sizes = [...PUMPKINS.map(() => PUMPKIN), ...CANDLES.map(() => CANDLE), CAULDRON];
    random.shuffle([...STOWED, 'cauldron']).forEach((name, slot, { length }) => {
      const half = sizes[[...STOWED, 'cauldron'].indexOf(name)] as Vector3;
      const aside = (slot - (length - 1) / 2) * APART + random.between(-0.004, 0.004);
      world.placeFree(name, [edge + random.between(...FROM_EDGE), table + aside, onTable(half)], [1, 0, 0, 0]);
    });
    world.setBase(x - random.between(0.9, 1.15), y + random.between(-0.35, 0.3), random.between(-0.15, 0.15));
    this.style = drawStyle(random);
    this.slip.draw(random);
    const tint = paintRoom(world, random);
    world.paint('table', [0.5 + tint(), 0.35 + tint(), 0.22 + tint()]);
    const shade = random.between(0.85, 1.1);
    world.paint('cabinet', [0.36 * shade + tint(), 0.27 * shade + tint(), 0.3 * shade + tint()]);
    const front = [0.62 * shade + tint(), 0.52 * shade + tint(), 0.5 * shade + tint()] as const;
    world.paint('cabinet_door', front);
    for (const part of ['front', 'bottom', 'side', 'back']) world.paint(`drawer_${part}`, front);
    for (const name of PUMPKINS) {
      const orange = [0.95 + tint(), 0.5 + tint(), 0.1 + tint()] as const;
      world.paint(name, orange);
      world.paint(`${name}-stem`, [0.25, 0.4, 0.12]);
    }
    world.paint('stool_seat', [0.55 + tint(), 0.2 + tint(), 0.16 + tint()]);
  }

  /** Middle of a decoration, or of the cauldron (the last), world frame. */
  position(index: number): Vector3 {
    return vectorAt(this.world.physics.views.xpos, this.bodies[index] as number);
  }

  get cauldron(): Vector3 {
    return this.position(CAULDRON_INDEX);
  }

  /** What the right hand holds. */
  get held(): 'decoration' | 'cauldron' | 'handle' | 'nothing' {
    const { held } = this.world.hands.right;
    if (held < 0) return 'nothing';
    return held === HANDLE_INDEX ? 'handle' : held === CAULDRON_INDEX ? 'cauldron' : 'decoration';
  }

  /** It lies in the drawer, or was let go above it and is falling in. */
  private lies(index: number): boolean {
    if (this.world.hands.right.held === index) return false;
    const [x, y, z] = subtract(this.position(index), vectorAt(this.world.physics.views.xpos, this.drawerBody));
    const [depth, width, height] = CABINET_DRAWER.half;
    return x > 0 && x < 2 * depth && Math.abs(y) < width && z > -height && z < height + FALLING;
  }

  get stowed(): number {
    return STOWED.filter((_, i) => this.lies(i)).length;
  }

  /** It lies on the floor, out of reach. */
  private isLost(index: number): boolean {
    return this.world.hands.right.held !== index && this.position(index)[2] < TABLE.top - OUT_OF_REACH;
  }

  /** The decoration to deal with: the one in the hand, otherwise the leftmost on the table. */
  get next(): { index: number; position: Vector3 } | undefined {
    const waiting = STOWED.map((_, index) => ({ index, position: this.position(index) })).filter(
      ({ index }) => !this.lies(index) && !this.isLost(index),
    );
    const { held } = this.world.hands.right;
    return waiting.find(({ index }) => index === held) ?? waiting.sort((a, b) => b.position[1] - a.position[1])[0];
  }

  get wide(): boolean {
    return this.drawer.opening > (this.held === 'handle' ? WIDE.held : WIDE.free);
  }

  get ajar(): boolean {
    return this.drawer.opening > (this.held === 'handle' ? AJAR.held : AJAR.free);
  }

  /** Where the next decoration goes: above its place in the drawer, at the height of the rim, world frame. */
  get placeInDrawer(): Vector3 {
    const [dx, dy] = PLACES[Math.min(this.stowed, PLACES.length - 1)] as readonly [number, number];
    const [x, y, z] = vectorAt(this.world.physics.views.xpos, this.drawerBody);
    return [x + dx, y + dy, z + CABINET_DRAWER.half[2]];
  }

  /** Where the middle of the cauldron goes, world frame. */
  get spot(): Vector3 {
    const [x, y] = vectorAt(this.world.physics.views.xpos, this.stool);
    return [x, y + 0.015, STOOL.top + CAULDRON[2]];
  }

  get stage(): number {
    const { held, wide, ajar } = this;
    // Work goes on with what can be reached.
    const lost = STOWED.filter((_, i) => !this.lies(i) && this.isLost(i)).length;
    return halloweenStage({ stowed: this.stowed + lost, held, wide, ajar });
  }

  afterStep(): void {
    const { next, slip, world } = this;
    const { tip, opening, held } = world.hands.right;
    if (!next || !slip.pending) return;
    const [x, y] = slip.aim(next.position);
    const there = Math.hypot(tip[0] - x, tip[1] - y) < 0.02 && opening < -0.7;
    if ((held >= 0 && held !== HANDLE_INDEX) || there) slip.pending = false;
  }

  situation(): Situation {
    const { stage, held, next, spot } = this;
    const { handle, opening } = this.drawer;
    let [target, destination]: [Vector3, Vector3] = [this.cauldron, spot];
    if (next && (this.wide || held === 'decoration')) [target, destination] = [next.position, this.placeInDrawer];
    else if (next || (this.ajar && held !== 'cauldron')) {
      const travel = CABINET_DRAWER.range * (next ? opening - 1 : opening);
      [target, destination] = [handle, [handle[0] + travel, handle[1], handle[2]]];
    }
    return { stage, skill: HALLOWEEN_SKILLS[stage] ?? '', target, destination };
  }

  save(): readonly number[] {
    return [Number(this.slip.pending)];
  }

  load([slip = 0]: readonly number[]): void {
    this.slip.pending = slip === 1;
  }
}
