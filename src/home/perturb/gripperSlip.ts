import { COLUMNS, SIDES, type Side } from '../world/index.ts';
import { atLevel, type Perturbation } from './perturbation.ts';

/** Steps for which the fingers stay open, so that the object falls. */
const OPEN = 8;

/** A hand loses what it holds: its fingers open for a moment, whatever they are told. */
export const gripperSlip: Perturbation = {
  axis: 'gripper-slip',
  about: 'a hand that has held something for a while opens for a quarter of a second, whatever it is told',
  levels: ['once', 'twice', '4 times'],
  begin({ household, level, random, strike }) {
    const times = atLevel(level, [1, 2, 4]);
    const delays = Array.from({ length: times }, () => 10 + random.integer(30));
    let slips = 0;
    let since: { readonly side: Side; readonly step: number } | undefined;
    let open: { readonly side: Side; readonly until: number } | undefined;
    return {
      proposed: { times, after: delays.join(' ') },
      command(action) {
        const { steps } = household;
        if (open === undefined) {
          const side = SIDES.find((one) => household.hands[one].held >= 0);
          if (side === undefined) since = undefined;
          else if (since?.side !== side) since = { side, step: steps };
          if (since && slips < times && steps >= since.step + (delays[slips] as number)) {
            open = { side: since.side, until: steps + OPEN };
            slips++;
            strike({ times: slips });
          }
        }
        if (open === undefined) return action;
        const opened = action.slice();
        opened[COLUMNS.gripper[open.side]] = 1;
        if (steps + 1 >= open.until) [open, since] = [undefined, undefined];
        return opened;
      },
    };
  },
};
