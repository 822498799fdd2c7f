export { createExpert, type Expert } from './createExpert.ts';
export {
  AHEAD,
  drawBack,
  FORWARD,
  graspAhead,
  leadDoor,
  letGo,
  pressAhead,
  pushDoor,
  pushDoorClear,
  UPRIGHT,
  within,
} from './doorwork.ts';
export { aboveButton, graspFromAbove, inFront, pointAtTable, press, READY } from './handwork.ts';
export { Misjudgement } from './misjudgement.ts';
export { Motion, type Zone } from './motion.ts';
export { Slip } from './slip.ts';
export { drawStyle, type Style, zoneOf } from './style.ts';
