import type { Random } from '../../../base/index.ts';
import { factsOf, paintRoom } from '../../fixtures/index.ts';
import { type Formula, groundGoal } from '../../score/index.ts';
import {
  type Quaternion,
  quaternionAt,
  rotate,
  type Situation,
  type TaskRuntime,
  turn,
  type Vector3,
  vectorAt,
  type World,
  yawQuaternion,
} from '../../world/index.ts';

/** Metres: a soda can of 330 ml and an open square bin. */
export const CAN = { radius: 0.033, halfHeight: 0.06 };
export const BIN = { half: 0.17, height: 0.24, wall: 0.008 };
export const CANS = ['can_1', 'can_2', 'can_3'] as const;

export const TRASH_GOAL: Formula = ['forall', '?can', CANS, ['inside', '?can', 'ashcan']];

/** Where a can is: what the expert, the stages and the goal go by. */
export interface CanState {
  readonly index: number;
  readonly position: Vector3;
  /** The can's axis, unit vector. */
  readonly axis: Vector3;
  readonly inside: boolean;
  /** Inside, or let go above the opening and falling in. */
  readonly delivered: boolean;
  readonly held: boolean;
}

/** One for each stage. */
export const TRASH_SKILLS = [
  'go to the first can and grasp it',
  'put the first can into the ash can',
  'go to the second can and grasp it',
  'put the second can into the ash can',
  'go to the third can and grasp it',
  'put the third can into the ash can',
] as const;

export class TrashRuntime implements TaskRuntime {
  private readonly bodies: readonly number[];
  private readonly bin: number;
  readonly goal;

  constructor(private readonly world: World) {
    this.bodies = CANS.map((name) => world.physics.id('body', name));
    this.bin = world.physics.id('body', 'ashcan');
    const contains = (name: string) => this.isInside(this.positionOf(CANS.indexOf(name as (typeof CANS)[number])));
    this.goal = groundGoal(TRASH_GOAL, factsOf(world, { ashcan: { contains } }));
  }

  place(random: Random): void {
    const { world } = this;
    const bin: Vector3 = [random.between(0.34, 0.42), random.between(-0.15, 0.15), 0];
    world.placeFixed('ashcan', bin, [1, 0, 0, 0]);
    const order = random.shuffle([...CANS]);
    order.forEach((name, slot) => {
      const x = random.between(-0.06, 0.06);
      const y = 0.24 * (slot - 1) + random.between(-0.05, 0.05);
      world.placeFree(name, [x, y, CAN.halfHeight], yawQuaternion(random.between(-Math.PI, Math.PI)));
    });
    world.setBase(-random.between(0.75, 1.2), random.between(-0.15, 0.3), random.between(-0.2, 0.2));
    const tint = paintRoom(world, random);
    const shade = random.between(0.7, 1.1);
    world.paint('ashcan', [0.1 * shade + 0.03, 0.2 * shade + tint(), 0.42 * shade + tint()]);
    for (const name of CANS) world.paint(name, [0.9 + tint(), 0.13 + tint(), 0.12 + tint()]);
  }

  afterStep(): void {}

  get binPosition(): Vector3 {
    return vectorAt(this.world.physics.views.xpos, this.bin);
  }

  can(index: number): CanState {
    const position = this.positionOf(index);
    const quaternion: Quaternion = quaternionAt(this.world.physics.views.xquat, this.bodies[index] as number);
    const { left, right } = this.world.hands;
    const held = left.held === index || right.held === index;
    const inside = this.isInside(position);
    const delivered = inside || (!held && this.isOver(position));
    return { index, position, axis: rotate(quaternion, [0, 0, 1]), inside, delivered, held };
  }

  /**
   * The can to deal with: the one in the hand, otherwise the rightmost (as the robot sees it) that is not delivered.
   */
  current(): CanState | undefined {
    const [bx, by, yaw] = this.world.base;
    const waiting = CANS.map((_, i) => this.can(i)).filter((can) => !can.delivered);
    const side = ({ position: [x, y] }: CanState) => turn([x - bx, y - by, 0], -yaw)[1];
    return waiting.find((can) => can.held) ?? waiting.sort((a, b) => side(a) - side(b))[0];
  }

  situation(): Situation {
    const can = this.current();
    const [x, y, z] = this.binPosition;
    const destination: Vector3 = [x, y, z + BIN.height];
    const delivered = CANS.filter((_, i) => this.can(i).delivered).length;
    const stage = can ? Math.min(5, 2 * delivered + (can.held ? 1 : 0)) : 5;
    return { stage, skill: TRASH_SKILLS[stage] ?? '', target: can?.position ?? destination, destination };
  }

  save(): readonly number[] {
    return [];
  }

  load(): void {}

  private positionOf(index: number): Vector3 {
    return vectorAt(this.world.physics.views.xpos, this.bodies[index] as number);
  }

  private isOver(position: Vector3): boolean {
    const bin = this.binPosition;
    return Math.abs(position[0] - bin[0]) < BIN.half - BIN.wall && Math.abs(position[1] - bin[1]) < BIN.half - BIN.wall;
  }

  /** The can's middle is between the walls and below the rim. */
  private isInside(position: Vector3): boolean {
    return this.isOver(position) && position[2] < BIN.height;
  }
}
