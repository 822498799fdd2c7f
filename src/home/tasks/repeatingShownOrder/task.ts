import { buttonBody, pressSensors, TABLE, tableBody } from '../../fixtures/index.ts';
import { box, type HomeTask } from '../../world/index.ts';
import { createOrderExpert } from './expert.ts';
import { ORDER_GOAL, OrderRuntime, PANEL, PANEL_TOP } from './runtime.ts';
import { BUTTONS, ORDER_SKILLS, ORDER_SUCCESSORS } from './stages.ts';

const [, , halfHeight] = PANEL.half;
const buttons = BUTTONS.map((name, i) => {
  const y = PANEL.apart * (1 - i);
  const ring = `${PANEL.buttonAt} ${y} ${2 * halfHeight + 0.002}`;
  const lamp = `${PANEL.lampAt} ${y} ${2 * halfHeight + 0.03}`;
  return `
    <geom name="ring_${name}" type="cylinder" size="${PANEL.radius + 0.01} .004" pos="${ring}" rgba=".95 .95 .93 1"/>
    <geom name="lamp_${name}" class="decoration" type="box" size=".012 .05 .03" pos="${lamp}" rgba=".2 .2 .18 1"/>
    ${buttonBody(name, [PANEL.buttonAt, y, PANEL_TOP], PANEL.radius, '.2 .35 .75 1')}`;
}).join('');

/** A probe of memory for order: two of three lights go on, one after the other; then their buttons, in that order. */
export const repeatingShownOrder: HomeTask<OrderRuntime> = {
  id: 52,
  name: 'repeating_shown_order',
  instruction: 'Watch the lights on the panel, then press their buttons in the same order.',
  numStages: ORDER_SKILLS.length,
  stageSuccessors: ORDER_SUCCESSORS,
  meanExpertSteps: 433,
  meanExpertMetres: { base: 0.406, left: 0.494, right: 0.996 },
  chance: 1 / 6,
  goal: ORDER_GOAL,
  expertMeasured: { episodes: 100, successes: 100 },
  skills: ORDER_SKILLS,
  bodies: `${tableBody}
  <body name="panel" pos=".15 0 ${TABLE.top}">
    ${box('panel_body', PANEL.half, [0, 0, halfHeight], '.78 .8 .83 1')}${buttons}
  </body>`,
  sensors: BUTTONS.map((name) => pressSensors(name)).join(''),
  excluded: BUTTONS.map((name) => ['panel', name] as const),
  graspable: [],
  create: (world) => new OrderRuntime(world),
  createExpert: createOrderExpert,
};
