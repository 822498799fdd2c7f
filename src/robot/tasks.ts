import { InputError, nearest } from '../base/index.ts';

/** One task of the BEHAVIOR challenge. */
export interface BehaviorTask {
  /** 0…49, the number on the wire and in the network. */
  readonly id: number;
  readonly name: string;
  readonly scene: string;
  /** Stages that the task is cut into: clip(ceil(mean length / 900), 5, 15); 5…15. */
  readonly numStages: number;
  /** Where its stages begin in the table of all 596 task-stage pairs. */
  readonly stageOffset: number;
  /** Mean length of a human demonstration, frames of 1/30 s. */
  readonly meanLengthFrames: number;
  /** Time-out of an evaluation, control steps: 2 × the mean length in 2025, 1.5 × in 2026. */
  readonly maxSteps2025: number;
  readonly maxSteps2026: number;
  readonly goal: string;
}

/** [name, scene, stages, mean length, time-out 2025, time-out 2026, goal], in the order of the ids. */
const ROWS: readonly (readonly [string, string, number, number, number, number, string])[] = [
  [
    'turning_on_radio',
    'house_double_floor_lower',
    5,
    2149.64,
    4299,
    3224,
    'radio on the living-room table is toggled on',
  ],
  [
    'picking_up_trash',
    'house_double_floor_lower',
    6,
    5267.75,
    10535,
    7901,
    'all 3 soda cans inside the kitchen ash can',
  ],
  [
    'putting_away_Halloween_decorations',
    'house_double_floor_lower',
    15,
    13788.3,
    27576,
    20682,
    '2 pumpkins + 3 candles inside living-room cabinet(s), cabinets closed, cauldron next to a table',
  ],
  [
    'cleaning_up_plates_and_food',
    'house_double_floor_lower',
    15,
    13696.3,
    27392,
    20544,
    '2 pizzas stay on plates inside the same fridge, 2 bowls in one sink, fridge closed',
  ],
  [
    'can_meat',
    'house_single_floor',
    14,
    11847,
    23694,
    17770,
    'both hinged jars inside the cabinet and closed, exactly 2 cooked bratwursts in each jar, cabinet closed (2+2+4+1; jar-in-cabinet may be true at start)',
  ],
  [
    'setting_mousetraps',
    'house_double_floor_upper',
    12,
    10196.3,
    20392,
    15294,
    '4 mousetraps on one bathroom floor (4), 2 of them under or next to one sink (2)',
  ],
  [
    'hiding_Easter_eggs',
    'house_double_floor_lower',
    9,
    7619.7,
    15239,
    11429,
    '3 eggs next to one common tree (3), none in the basket (3), all on the lawn (3)',
  ],
  [
    'picking_up_toys',
    'house_single_floor',
    15,
    18890.75,
    37781,
    28335,
    '3 board games, 2 jigsaw puzzles, 1 tennis ball inside the toy box',
  ],
  [
    'rearranging_kitchen_furniture',
    'house_double_floor_lower',
    10,
    8943,
    17886,
    13414,
    'toaster, food processor, French press inside one cabinet, that cabinet closed',
  ],
  [
    'putting_up_Christmas_decorations_inside',
    'house_single_floor',
    15,
    13719,
    27438,
    20578,
    '3 gift boxes next to/under/touching the tree (3), 2 candles on one table (2), 1 candy cane on a table (1), wreath on a sofa (1), 2 candy canes on a sofa (2)',
  ],
  [
    'set_up_a_coffee_station_in_your_kitchen',
    'house_single_floor',
    7,
    6266.3,
    12532,
    9399,
    'coffee bottle, paper filter, saucer + cup and electric kettle arranged around/on the coffee maker on the counter',
  ],
  [
    'putting_dishes_away_after_cleaning',
    'house_single_floor',
    13,
    10953.7,
    21907,
    16430,
    '8 plates inside one and the same cabinet (8), every kitchen cabinet closed (6; true at start so they never earn partial credit)',
  ],
  [
    'preparing_lunch_box',
    'house_single_floor',
    10,
    8245,
    16490,
    12367,
    '2 apple halves, sandwich, cookie, tea bottle in the packing box, fridge closed',
  ],
  [
    'loading_the_car',
    'house_double_floor_lower',
    15,
    19226.3,
    38452,
    28839,
    'camera in container, container and tennis racket in car trunk / trunk closed',
  ],
  [
    'carrying_in_groceries',
    'house_double_floor_lower',
    15,
    14275,
    28550,
    21412,
    'tomato and milk in fridge, car trunk closed, fridge closed',
  ],
  ['bringing_in_wood', 'house_double_floor_lower', 15, 13535.7, 27071, 20303, '3 plywood sheets on the corridor floor'],
  [
    'moving_boxes_to_storage',
    'house_double_floor_lower',
    15,
    14596.3,
    29192,
    21894,
    'one container on garage floor, the other on top of it',
  ],
  [
    'bringing_water',
    'house_single_floor',
    11,
    9438.3,
    18876,
    14157,
    '2 bottles on living-room coffee table, fridge closed',
  ],
  [
    'tidying_bedroom',
    'house_single_floor',
    13,
    11037.25,
    22074,
    16556,
    'book on a nightstand, 2 sandals next to bed and next to each other',
  ],
  [
    'outfit_a_basic_toolbox',
    'house_single_floor',
    12,
    10637.7,
    21275,
    15956,
    'drill, pliers, flashlight, Allen wrench, screwdriver in toolbox (5), toolbox on tabletop (1), closed (1)',
  ],
  [
    'sorting_vegetables',
    'house_single_floor',
    14,
    11903.7,
    23807,
    17855,
    '3 bok choy + 3 onions in one bowl, 2 leeks + 2 broccoli in another, 3 sweet corn in a third',
  ],
  [
    'collecting_childrens_toys',
    'house_single_floor',
    15,
    19186.25,
    38372,
    28779,
    '2 dice, 2 teddies, 2 board games inside the same bookcase',
  ],
  [
    'putting_shoes_on_rack',
    'house_double_floor_lower',
    9,
    7726.3,
    15452,
    11589,
    'each of 4 shoes touching the hallstand (4) and not touching the floor (4), 2 gym shoes next to each other (1), 2 sandals next to each other (1)',
  ],
  ['boxing_books_up_for_storage', 'house_double_floor_upper', 15, 24227.7, 48455, 36341, '6 books inside the box'],
  [
    'storing_food',
    'house_single_floor',
    15,
    19869,
    39738,
    29803,
    '2 oatmeal, 2 chips, 2 olive oil, 2 sugar inside kitchen cabinets',
  ],
  [
    'clearing_food_from_table_into_fridge',
    'house_double_floor_lower',
    15,
    13068.3,
    26136,
    19602,
    'half pie in a tupperware, half chicken in a tupperware, 2 tupperwares in fridge, fridge closed',
  ],
  [
    'assembling_gift_baskets',
    'house_double_floor_lower',
    15,
    26060.3,
    52120,
    39090,
    'four pairings (forpairs) basket-candle, basket-cheese, basket-cookie, basket-bow: one of each in every basket',
  ],
  [
    'sorting_household_items',
    'house_single_floor',
    15,
    15807.75,
    31615,
    23711,
    '2 detergents under the sink and next to each other, napkins on shelf, soap dispenser on sink, cup on sink, toothpaste + brush in cup',
  ],
  [
    'getting_organized_for_work',
    'house_double_floor_upper',
    15,
    15671,
    31342,
    23506,
    'computer under desk, monitor/keyboard/mouse/folder on desk next to each other in a chain, notebook on folder, pen on notebook, chair next to desk',
  ],
  [
    'clean_up_your_desk',
    'house_single_floor',
    15,
    21428.75,
    42857,
    32126,
    '2 folders + 2 books in bookcase (4), 2 pens + pencil in pencil box (3), stapler, pencil box, laptop on desk (3; pencil box true at start), laptop closed (1)',
  ],
  [
    'setting_the_fire',
    'house_double_floor_lower',
    11,
    9118.3,
    18236,
    13677,
    'newspaper + 2 firewood on fire in the fireplace, lighter off',
  ],
  [
    'clean_boxing_gloves',
    'house_single_floor',
    10,
    8235.7,
    16471,
    12353,
    '2 boxing gloves not covered with dust (washer)',
  ],
  [
    'wash_a_baseball_cap',
    'house_single_floor',
    10,
    8349.7,
    16699,
    12524,
    '2 baseball caps not covered with dirt (washer)',
  ],
  [
    'wash_dog_toys',
    'house_single_floor',
    13,
    11223,
    22446,
    16834,
    'each of 2 teddies free of dirt and of dust (4, two of them true at start), tennis ball free of debris, softball free of dirt',
  ],
  ['hanging_pictures', 'house_double_floor_lower', 5, 2387.7, 4775, 3581, 'poster attached to any kitchen wall nail'],
  [
    'attach_a_camera_to_a_tripod',
    'house_double_floor_upper',
    5,
    3911.7,
    7823,
    5867,
    'digital camera attached to tripod',
  ],
  ['clean_a_patio', 'house_double_floor_lower', 14, 12071, 24142, 18106, 'patio floor not covered with mud'],
  ['clean_a_trumpet', 'house_double_floor_upper', 6, 5307, 10614, 7960, 'cornet not covered with dust'],
  ['spraying_for_bugs', 'house_double_floor_lower', 8, 6479.7, 12959, 9719, '2 potted plants covered with insectifuge'],
  ['spraying_fruit_trees', 'house_double_floor_lower', 10, 8345.7, 16691, 12518, '2 trees covered with pesticide'],
  [
    'make_microwave_popcorn',
    'house_double_floor_lower',
    5,
    3237.7,
    6475,
    4856,
    'cooked popcorn exists and is contained in the bag',
  ],
  [
    'cook_cabbage',
    'house_single_floor',
    15,
    14145,
    28290,
    21217,
    'cooked diced cabbage and cooked diced chili exist and are contained in the frying pan',
  ],
  [
    'chop_an_onion',
    'house_double_floor_lower',
    8,
    6399.7,
    12799,
    9599,
    'diced onion exists in the bowl, knife and board in sink',
  ],
  [
    'slicing_vegetables',
    'house_single_floor',
    15,
    14845,
    29690,
    22267,
    'diced zucchini/pepper/beet exist (3), fridge closed (1; true at start), none of the 5 whole vegetables remains (5)',
  ],
  ['chopping_wood', 'house_double_floor_lower', 12, 10751.7, 21503, 16127, '8 half logs exist'],
  ['cook_hot_dogs', 'house_single_floor', 11, 9145, 18290, 13717, '2 hot dogs cooked (microwave)'],
  ['cook_bacon', 'house_single_floor', 9, 7679.7, 15359, 11519, '6 bacon slices cooked, fridge closed (true at start)'],
  [
    'freeze_pies',
    'house_single_floor',
    14,
    12455,
    24910,
    18682,
    '2 pies in separate tupperwares, tupperwares in fridge, fridge closed, pies frozen',
  ],
  [
    'canning_food',
    'house_single_floor',
    15,
    22975.7,
    45951,
    34463,
    'diced steak and diced pineapple exist (2), one bowl filled with only steak (2), one bowl filled with only pineapple (2), both bowls in cabinet (2), fridge and cabinet closed (2)',
  ],
  ['make_pizza', 'house_double_floor_lower', 15, 19187, 38374, 28780, 'pizza exists and is on the cookie sheet'],
];

let offset = 0;
/** The 50 tasks of the 2025 challenge by id. */
export const BEHAVIOR_TASKS: readonly BehaviorTask[] = ROWS.map(
  ([name, scene, numStages, meanLengthFrames, maxSteps2025, maxSteps2026, goal], id) => {
    const stageOffset = offset;
    offset += numStages;
    return { id, name, scene, numStages, stageOffset, meanLengthFrames, maxSteps2025, maxSteps2026, goal };
  },
);

/** The longest stage count of any task: the width of the stage logits. */
export const MAX_STAGES = 15;

/** The task called `name`. @throws InputError that suggests the nearest name */
export function taskByName(name: string): BehaviorTask {
  const task = BEHAVIOR_TASKS.find((t) => t.name === name);
  if (task) return task;
  const guess = nearest(
    name,
    BEHAVIOR_TASKS.map((t) => t.name),
  );
  throw new InputError('task', `no task called ${JSON.stringify(name)}.${guess ? ` Did you mean ${guess}?` : ''}`);
}

/** The task with number `id`. @throws InputError when there is none */
export function taskById(id: number): BehaviorTask {
  const task = BEHAVIOR_TASKS[id];
  if (!task) throw new InputError('task', `no task with id ${id} (expected 0…${BEHAVIOR_TASKS.length - 1}).`);
  return task;
}

/** Stage of a frame by equal-time bins: clamp(floor(time·30 / (length / stages))), the original training label; `time` in seconds. */
export function stageAtTime(time: number, lengthFrames: number, numStages: number): number {
  return Math.min(numStages - 1, Math.max(0, Math.trunc((time * 30) / (lengthFrames / numStages))));
}
