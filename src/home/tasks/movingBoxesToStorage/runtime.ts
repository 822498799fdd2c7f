import type { Random } from '../../../base/index.ts';
import { drawStyle, Misjudgement, type Style } from '../../expert/index.ts';
import { factsOf, paintRoom } from '../../fixtures/index.ts';
import { type Formula, type Goal, groundGoal } from '../../score/index.ts';
import {
  matrixAt,
  type Situation,
  type TaskRuntime,
  turn,
  type Vector3,
  vectorAt,
  type World,
  yawQuaternion,
} from '../../world/index.ts';

/** Half sizes in metres: a storage container too wide for one hand, and the marked place on the garage floor. */
export const CARTON = { half: [0.1, 0.17, 0.1] as Vector3, mass: 0.5 };
export const PLACE = { half: [0.24, 0.27, 0.006] as Vector3 };
export const BOXES = ['container_1', 'container_2'] as const;
const FLOOR = 'garage_floor';

/** One container on the garage floor, the other on top of it. */
export const BOXES_GOAL: Formula = [
  'or',
  [
    [0, 1],
    [1, 0],
  ].map(([low = 0, high = 0]) => {
    const [below, above] = [BOXES[low] as string, BOXES[high] as string];
    return ['and', [['ontop', below, FLOOR] as const, ['ontop', above, below] as const]] as const;
  }),
];

/** Metres between a container's middle and the place for it at which it is put down. */
const OVER = 0.14;
/** Where a container is within reach, seen from the base: forward, and to either side, metres. */
const REACH = { x: [0.35, 0.68], across: 0.15 } as const;

/** One for each stage. */
export const BOXES_SKILLS = [
  'go to the first container',
  'take the first container between both hands',
  'carry the first container to the garage floor',
  'put the first container down',
  'go to the second container',
  'take the second container between both hands',
  'carry the second container to the first',
  'put the second container on top of the first',
] as const;

/** Where a container is. */
export interface BoxState {
  readonly index: number;
  /** Its middle, world frame, metres. */
  readonly position: Vector3;
  /** Its heading, world frame, radians. */
  readonly yaw: number;
  /** Half of what it takes up along its heading, across it, and in height, as it stands: others may have tipped it. */
  readonly half: Vector3;
  readonly held: boolean;
}

export class BoxesRuntime implements TaskRuntime {
  readonly goal: Goal;
  style: Style = { speed: 1, lift: 0, stand: [0, 0] };
  /** The place of the second container may be misjudged. */
  readonly misjudgement = new Misjudgement();
  private readonly bodies: readonly number[];
  private readonly floor: number;
  private readonly holds: ReturnType<typeof factsOf>;

  constructor(private readonly world: World) {
    this.bodies = BOXES.map((name) => world.physics.id('body', name));
    this.floor = world.physics.id('body', FLOOR);
    const extent = { middle: [0, 0, 0] as Vector3, half: CARTON.half };
    this.holds = factsOf(world, {
      ...Object.fromEntries(BOXES.map((body) => [body, { body, extent }])),
      [FLOOR]: { body: FLOOR, extent: { middle: [0, 0, 0], half: PLACE.half } },
    });
    this.goal = groundGoal(BOXES_GOAL, this.holds);
  }

  place(random: Random): void {
    const { world } = this;
    const place: Vector3 = [random.between(0.42, 0.55), random.between(-0.08, 0.08), PLACE.half[2]];
    world.placeFixed(FLOOR, place, [1, 0, 0, 0]);
    const order = random.shuffle([...BOXES]);
    order.forEach((name, i) => {
      const side = i === 0 ? 1 : -1;
      const at: Vector3 = [random.between(-0.15, 0.05), side * random.between(0.44, 0.58), CARTON.half[2]];
      world.placeFree(name, at, yawQuaternion(random.between(-0.15, 0.15)));
    });
    world.setBase(-random.between(0.85, 1.15), random.between(-0.2, 0.4), random.between(-0.15, 0.15));
    this.style = drawStyle(random);
    this.misjudgement.draw(random, 0.3, [0.07, 0.11]);
    const tint = paintRoom(world, random);
    world.paint(FLOOR, [0.45 + tint(), 0.47 + tint(), 0.5 + tint()]);
    const shades: readonly Vector3[] = [
      [0.2, 0.42, 0.7],
      [0.85, 0.55, 0.2],
    ];
    BOXES.forEach((name, i) => {
      const [red, green, blue] = shades[i] as Vector3;
      world.paint(name, [red + tint(), green + tint(), blue + tint()]);
    });
  }

  box(index: number): BoxState {
    const { views } = this.world.physics;
    const body = this.bodies[index] as number;
    const m = matrixAt(views.xmat, body);
    const { left, right } = this.world.hands;
    const held = left.held === index || right.held === index;
    return { index, position: vectorAt(views.xpos, body), ...standing(m), held };
  }

  /** The container that stands on the garage floor, let go. */
  get lowest(): BoxState | undefined {
    return BOXES.map((_, i) => this.box(i)).find(
      ({ held, index }) => !held && this.holds(['ontop', BOXES[index] as string, FLOOR]),
    );
  }

  /** The container to deal with: the one in the hands, otherwise the leftmost that is not in its place. */
  current(): BoxState | undefined {
    const { lowest } = this;
    const rest = BOXES.map((_, i) => this.box(i)).filter(({ index, held }) => {
      if (held) return true;
      if (!lowest) return true;
      return index !== lowest.index && !this.holds(['ontop', BOXES[index] as string, BOXES[lowest.index] as string]);
    });
    return rest.find(({ held }) => held) ?? rest.sort((a, b) => b.position[1] - a.position[1])[0];
  }

  /** Where the middle of the present container is to go: on the garage floor, or on top of the other. */
  get destination(): Vector3 {
    const { lowest } = this;
    const height = (this.current() ?? { half: CARTON.half }).half[2];
    if (lowest) {
      const [x, y, z] = lowest.position;
      return [x, y, z + lowest.half[2] + height];
    }
    const [x, y, z] = vectorAt(this.world.physics.views.xpos, this.floor);
    return [x, y, z + PLACE.half[2] + height];
  }

  /** Where it seems to go to who carries it. */
  get seenDestination(): Vector3 {
    return this.lowest ? this.misjudgement.seen(this.destination) : this.destination;
  }

  afterStep(): void {
    const box = this.current();
    if (!box?.held || !this.lowest) return;
    const [x, y] = box.position;
    const { destination } = this;
    this.misjudgement.notice(destination, [x, y, destination[2]]);
  }

  situation(): Situation {
    const { destination, lowest } = this;
    const box = this.current();
    const target = box?.position ?? destination;
    let stage = lowest ? 4 : 0;
    if (!box) stage = 7;
    else if (box.held) {
      const aside = Math.hypot(target[0] - destination[0], target[1] - destination[1]);
      stage += aside < OVER ? 3 : 2;
    } else {
      const [x, y, yaw] = this.world.base;
      const [ahead, across] = turn([target[0] - x, target[1] - y, 0], -yaw);
      if (ahead > REACH.x[0] && ahead < REACH.x[1] && Math.abs(across) < REACH.across) stage++;
    }
    return { stage, skill: BOXES_SKILLS[stage] ?? '', target, destination };
  }

  save(): readonly number[] {
    return [Number(this.misjudgement.noticed)];
  }

  load([noticed]: readonly number[]): void {
    this.misjudgement.noticed = noticed === 1;
  }
}

/** An axis is taken for vertical from this cosine on. */
const UPRIGHT = 0.75;

/**
 * Heading and half sizes of a container as it stands. One that was tipped lies on its side (its first axis is vertical)
 * or on its end (its second one is). Turned by half, or on its end by a quarter, it is the same: the heading is the
 * one that is nearest to 0.
 * @param m rotation, row by row: column k is the container's axis k in the world
 */
function standing(m: ReturnType<typeof matrixAt>): Pick<BoxState, 'yaw' | 'half'> {
  const [ahead, across, up] = CARTON.half;
  if (Math.abs(m[7]) > UPRIGHT)
    return { yaw: nearestTo0(Math.atan2(m[3], m[0]), Math.PI / 2), half: [ahead, up, across] };
  if (Math.abs(m[6]) > UPRIGHT) return { yaw: nearestTo0(Math.atan2(-m[1], m[4]), Math.PI), half: [up, across, ahead] };
  return { yaw: nearestTo0(Math.atan2(m[3], m[0]), Math.PI), half: CARTON.half };
}

const nearestTo0 = (angle: number, period: number): number => angle - period * Math.round(angle / period);
