import type { Random } from '../../../base/index.ts';
import { drawStyle, Misjudgement, type Style } from '../../expert/index.ts';
import { type DoorShape, factsOf, HingedDoor, PressButton, paintRoom, TABLE } from '../../fixtures/index.ts';
import { type Formula, type Goal, groundGoal } from '../../score/index.ts';
import { type Situation, type TaskRuntime, type Vector3, vectorAt, type World } from '../../world/index.ts';

/** Metres. The front is at x = 0 of its body; `half` is of its inside, whose floor is at `floor` above the table. */
export const MICROWAVE = { half: [0.13, 0.15, 0.1] as Vector3, floor: 0.03, wall: 0.015, panel: 0.06 };
export const OVEN_DOOR: DoorShape = { width: 0.33, height: 0.22, handleAt: 0.28, standoff: 0.05, handleLength: 0.15 };
/** Half sizes of the bag, metres. */
export const BAG: Vector3 = [0.05, 0.033, 0.06];
export const BUTTON = { name: 'start_button', radius: 0.03 };
/** The worktop: half its length, and how far its middle is to the right of the room's, metres. */
export const WORKTOP = { halfY: 1.15, right: 0.45 };
/** Control steps in the closed, running microwave after which popcorn is cooked. */
export const COOKING_STEPS = 60;

export const POPCORN_GOAL: Formula = [
  'and',
  [
    ['cooked', 'popcorn'],
    ['inside', 'popcorn', 'bag'],
  ],
];

/** The door is open wide enough to reach in, radians. */
export const OVEN_OPEN = 1.2;

/** In front of the wrong place the hand notices it: the handle or the door is in the way nearer to it, metres. */
const NOTICED_WITHIN = 0.065;

/** One for each stage. */
export const POPCORN_SKILLS = [
  'take the bag',
  'open the microwave',
  'put the bag in',
  'close the microwave',
  'press start and wait',
] as const;

const LIT: Vector3 = [1, 0.85, 0.4];
const DARK: Vector3 = [0.1, 0.11, 0.13];

export class PopcornRuntime implements TaskRuntime {
  readonly goal: Goal;
  readonly door: HingedDoor;
  style: Style = { speed: 1, lift: 0, stand: [0, 0] };
  /** The handle's place may be misjudged. */
  readonly misjudgement = new Misjudgement();
  private running = false;
  /** Steps that the popcorn has been heated. */
  private heated = 0;
  private readonly button: PressButton;
  private readonly bagBody: number;
  private readonly microwave: number;
  private readonly holds: ReturnType<typeof factsOf>;

  constructor(private readonly world: World) {
    const { physics } = world;
    this.door = new HingedDoor(world, 'microwave_door', OVEN_DOOR);
    this.button = new PressButton(world, BUTTON.name);
    this.bagBody = physics.id('body', 'bag');
    this.microwave = physics.id('body', 'microwave');
    const [depth, width, height] = MICROWAVE.half;
    this.holds = factsOf(world, {
      bag: { body: 'bag', extent: { middle: [0, 0, 0], half: BAG }, interior: { middle: [0, 0, 0], half: BAG } },
      popcorn: {
        body: 'popcorn',
        extent: { middle: [0, 0, 0], half: [0.02, 0.02, 0.02] },
        isCooked: () => this.heated >= COOKING_STEPS,
      },
      microwave: {
        body: 'microwave',
        interior: { middle: [depth, 0, MICROWAVE.floor + height], half: [depth, width, height] },
        isOpen: () => this.door.isOpen,
        isOn: () => this.running,
      },
    });
    this.goal = groundGoal(POPCORN_GOAL, this.holds);
  }

  place(random: Random): void {
    const { world } = this;
    const x = random.between(0.16, 0.22);
    const y = random.between(0.1, 0.25);
    world.placeFixed('table', [TABLE.halfX, random.between(-0.06, 0.06) - WORKTOP.right, 0], [1, 0, 0, 0]);
    world.placeFixed('microwave', [x, y, TABLE.top], [1, 0, 0, 0]);
    this.door.angle = 0;
    const bag: Vector3 = [random.between(0.1, 0.18), y - random.between(1.1, 1.25), TABLE.top + BAG[2]];
    world.placeFree('bag', bag, [1, 0, 0, 0]);
    // Nobody sees the bag from here: it stands to the right.
    world.setBase(-random.between(0.7, 0.95), y + random.between(0, 0.25), random.between(-0.1, 0.1));
    this.style = drawStyle(random);
    this.misjudgement.draw(random, 0.3, [0.04, 0.06]);
    this.load([Number(this.misjudgement.noticed), 0, 0, 0]);
    const tint = paintRoom(world, random);
    world.paint('table', [0.5 + tint(), 0.35 + tint(), 0.22 + tint()]);
    const shade = random.between(0.85, 1);
    for (const part of ['microwave_shell', 'microwave_door_panel'])
      world.paint(part, [0.75 * shade + tint(), 0.76 * shade + tint(), 0.78 * shade + tint()]);
    world.paint(BUTTON.name, [0.2 + tint(), 0.75 + tint(), 0.3 + tint()]);
    world.paint('bag', [0.93 + tint(), 0.87 + tint(), 0.7 + tint()]);
  }

  /** Middle of the bag, world frame. */
  get bag(): Vector3 {
    return vectorAt(this.world.physics.views.xpos, this.bagBody);
  }

  /** A hand holds it. */
  get bagHeld(): boolean {
    return this.world.hands.left.held === 0 || this.world.hands.right.held === 0;
  }

  get bagInside(): boolean {
    return this.holds(['inside', 'bag', 'microwave']);
  }

  /** A hand holds the door's handle. */
  get handleHeld(): boolean {
    return this.world.hands.left.held === 1 || this.world.hands.right.held === 1;
  }

  /** The way in is open; a hand that is pulling goes on a little. */
  get wideOpen(): boolean {
    return this.door.angle > (this.handleHeld ? OVEN_OPEN + 0.3 : OVEN_OPEN);
  }

  get on(): boolean {
    return this.running;
  }

  get cooked(): boolean {
    return this.holds(['cooked', 'popcorn']);
  }

  /** Where the middle of the bag goes, world frame. */
  get spot(): Vector3 {
    const [x, y, z] = vectorAt(this.world.physics.views.xpos, this.microwave);
    return [x + 0.11, y, z + MICROWAVE.floor + BAG[2]];
  }

  /** Middle of the button's face, world frame. */
  get buttonFace(): Vector3 {
    return this.button.top;
  }

  afterStep(): void {
    this.door.latch();
    if (this.handleHeld) this.misjudgement.noticed = true;
    else this.misjudgement.notice(this.door.handle, this.world.hands.left.tip, NOTICED_WITHIN);
    // It starts with a closed door only, and stops when the door is opened or the time is over.
    if (this.button.update() && !this.door.isOpen) this.running = !this.running;
    if (this.door.isOpen) this.running = false;
    if (this.running && this.bagInside) this.heated++;
    if (this.cooked) this.running = false;
    this.light();
  }

  situation(): Situation {
    const { bag, spot, door } = this;
    const inside = this.bagInside && !this.bagHeld;
    const face = this.buttonFace;
    const handle = door.handle;
    let stage: number;
    let [target, destination]: [Vector3, Vector3] = [face, face];
    if (inside) {
      stage = door.isOpen ? 3 : 4;
      if (door.isOpen) [target, destination] = [handle, door.point(OVEN_DOOR.handleAt, OVEN_DOOR.standoff, 0)];
    } else if (!this.bagHeld) {
      stage = 0;
      [target, destination] = [bag, spot];
    } else if (this.wideOpen) {
      stage = 2;
      [target, destination] = [bag, spot];
    } else {
      stage = 1;
      [target, destination] = [handle, door.point(OVEN_DOOR.handleAt, OVEN_DOOR.standoff, OVEN_OPEN)];
    }
    return { stage, skill: POPCORN_SKILLS[stage] ?? '', target, destination };
  }

  save(): readonly number[] {
    const { misjudgement, running, heated, button } = this;
    return [Number(misjudgement.noticed), Number(running), heated, Number(button.pressed)];
  }

  load([noticed = 1, running = 0, heated = 0, pressed = 0]: readonly number[]): void {
    this.misjudgement.noticed = noticed === 1;
    this.running = running === 1;
    this.heated = heated;
    this.button.pressed = pressed === 1;
    this.light();
  }

  /** The window glows while it runs; cooked popcorn fills the bag. */
  private light(): void {
    this.world.paint('microwave_window', this.running ? LIT : DARK);
    this.world.show('popcorn_', this.cooked);
  }
}
