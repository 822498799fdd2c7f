import { createExpert, type HomeTask, Household, type TaskRuntime } from '../../src/home/index.ts';

/** What a robot sees and feels, as text: equal for equal observations only. */
export function sense(household: Household): string {
  const { proprioception, pictures } = household.observe();
  return JSON.stringify([
    [...proprioception],
    Object.values(pictures).map(({ data }) => Buffer.from(data).toString('base64')),
  ]);
}

/**
 * Two demonstrations of one scene, whose pasts differ by what `past` changes in the second: played side by side until
 * the experts do different things. @returns at which step, and whether the robots saw and felt the same until then;
 * step -1 when they never did
 */
export async function firstDifference<Runtime extends TaskRuntime>(
  task: HomeTask<Runtime>,
  instance: number,
  past: (one: Runtime, other: Runtime) => void,
  from: (runtime: Runtime) => boolean = () => true,
): Promise<{ step: number; same: boolean }> {
  const rooms = [await Household.create(task, { imageSize: 32 }), await Household.create(task, { imageSize: 32 })];
  const [one, other] = rooms as [Household, Household];
  const experts = [createExpert(one), createExpert(other)];
  try {
    for (const room of rooms) room.reset(instance);
    past(one.runtime as Runtime, other.runtime as Runtime);
    while (one.steps < one.maxSteps) {
      const looks = from(one.runtime as Runtime) ? rooms.map(sense) : ['', ''];
      const [a, b] = experts.map((expert) => expert.act()) as [Float32Array, Float32Array];
      if (a.some((value, i) => value !== b[i])) return { step: one.steps, same: looks[0] === looks[1] };
      one.step(a);
      other.step(b);
    }
    return { step: -1, same: false };
  } finally {
    for (const expert of experts) expert.close();
    for (const room of rooms) room.close();
  }
}
