import { buttonBody, pressSensors, TABLE, tableBody } from '../../fixtures/index.ts';
import { box, type HomeTask } from '../../world/index.ts';
import { createRadioExpert } from './expert.ts';
import { BUTTON_TOP, PRESS, RADIO, RADIO_GOAL, RADIO_SKILLS, RadioRuntime } from './runtime.ts';

const radioBody = `${tableBody}
  <body name="radio" pos=".15 0 ${TABLE.top}">
    ${box('radio_body', RADIO.half, [0, 0, RADIO.half[2]], '.25 .62 .66 1')}
    <geom class="decoration" type="cylinder" size=".047 .003" pos="${-RADIO.half[0]} .065 .065" euler="0 1.5708 0" rgba=".12 .12 .13 1"/>
    <geom class="decoration" type="cylinder" size=".028 .003" pos="${-RADIO.half[0]} -.07 .085" euler="0 1.5708 0" rgba=".93 .9 .75 1"/>
    <geom name="radio_display" class="decoration" type="box" size=".003 .05 .017" pos="${-RADIO.half[0]} -.07 .03" rgba=".1 .12 .12 1"/>
    <geom class="decoration" type="capsule" size=".004" fromto=".035 .115 .14 .06 .16 .36" rgba=".75 .75 .78 1"/>
    <geom name="radio_ring" type="cylinder" size=".046 .004" pos="0 0 ${2 * RADIO.half[2] + 0.004}" rgba=".95 .94 .9 1"/>
    ${buttonBody('button', [0, 0, BUTTON_TOP], RADIO.buttonRadius, '.93 .12 .1 1', RADIO.travel)}
  </body>`;

/** A radio on a low table; a hand presses the red button on its top. */
export const turningOnRadio: HomeTask<RadioRuntime> = {
  id: 0,
  name: 'turning_on_radio',
  instruction: 'Turn on the radio on the table in the living room.',
  numStages: RADIO_SKILLS.length,
  meanExpertSteps: 115,
  meanExpertMetres: { base: 0.454, left: 0.552, right: 0.731 },
  goal: RADIO_GOAL,
  expertMeasured: { episodes: 100, successes: 100 },
  skills: RADIO_SKILLS,
  bodies: radioBody,
  sensors: pressSensors('button', PRESS),
  excluded: [['radio', 'button']],
  graspable: [],
  create: (world) => new RadioRuntime(world),
  createExpert: createRadioExpert,
};
