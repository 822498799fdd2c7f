import type { Household } from '../../home/index.ts';
import type { Picture, Planner, PlanRequest, Policy } from '../../robot/index.ts';

/**
 * What a network is kept from seeing, to learn what it lives on.
 * - `blind`: its pictures are black.
 * - `stateless`: it is told the mean state of its training data.
 * - `memoryless`: it is told the first stage, always.
 * - `oracle-stage`: it is told the stage that the world is in, which no robot knows.
 */
export const ABLATIONS = ['blind', 'stateless', 'memoryless', 'oracle-stage'] as const;
export type Ablation = (typeof ABLATIONS)[number];

const black = (picture: { readonly width: number; readonly height: number }): Picture => ({
  ...picture,
  channels: 3,
  data: new Uint8Array(3 * picture.width * picture.height),
});

/**
 * A planner whose network is kept from something. All around it stays: actions are still relative to where the robot
 * is, promises of the last plan are still kept, stages are still voted on.
 * @param meanState [width], in physical units
 * @param stageNow the stage that the world is in
 */
export function ablated(
  planner: Planner,
  ablation: Ablation,
  { meanState, stageNow }: { readonly meanState: ArrayLike<number>; readonly stageNow: () => number },
): Planner {
  const { robot, imageSize } = planner;
  if (ablation === 'stateless') return stateless(planner, meanState);
  const nothing = black({ width: imageSize, height: imageSize });
  const edit = (request: PlanRequest): PlanRequest => {
    if (ablation === 'memoryless') return { ...request, stage: 0 };
    if (ablation === 'oracle-stage') return { ...request, stage: stageNow() };
    return { ...request, pictures: Object.fromEntries(robot.cameraNames.map((name) => [name, nothing])) };
  };
  return { robot, imageSize, plan: (requests) => planner.plan(requests.map(edit)), close: () => planner.close() };
}

/**
 * The network adds its answer to the state that it is told, and takes a promise relative to it. So the promise is
 * moved by the difference before, and the answer back after.
 */
function stateless(planner: Planner, meanState: ArrayLike<number>): Planner {
  const { robot, imageSize } = planner;
  const { deltaMask, width } = robot;
  const told = Float32Array.from(meanState);
  const moved = (actions: Float64Array, { state }: PlanRequest, sign: 1 | -1): Float64Array =>
    actions.map((value, i) => {
      const column = i % width;
      return deltaMask[column] ? value + sign * ((state[column] as number) - (told[column] as number)) : value;
    });
  return {
    robot,
    imageSize,
    async plan(requests) {
      const predictions = await planner.plan(
        requests.map((request) => ({
          ...request,
          state: told,
          ...(request.prefix && {
            prefix: { rows: request.prefix.rows, actions: moved(request.prefix.actions, request, -1) },
          }),
        })),
      );
      return predictions.map((one, i) => ({ ...one, actions: moved(one.actions, requests[i] as PlanRequest, 1) }));
    },
    close: () => planner.close(),
  };
}

/** A policy whose pictures are black, whoever it is. */
export function blinded(policy: Policy): Policy {
  return {
    ...(policy.robot && { robot: policy.robot }),
    reset: () => policy.reset(),
    act: ({ pictures, ...rest }) => {
      const dark = Object.keys(pictures).map((name) => [name, black(pictures[name] as Picture)] as const);
      return policy.act({ ...rest, pictures: Object.fromEntries(dark) });
    },
    get note() {
      return policy.note;
    },
    get plan() {
      return policy.plan;
    },
    get queries() {
      return policy.queries;
    },
    close: () => policy.close(),
  } as Policy;
}

/** The stage that the world is in, within those that the task has. */
export const worldStage = (household: Household) => (): number =>
  Math.min(household.situation().stage, household.task.numStages - 1);
