// A household task of your own: the robot must stand on a mat. One object: scene, goal, stages and expert.
//   npx tsx examples/task.ts
import { box, createExpert, type HomeTask, openHousehold, type Vector3 } from 'valet-vla/home';

/** Metres between the base and the middle of the mat. */
const CLOSE = 0.15;

const standOnMat: HomeTask = {
  id: 0,
  name: 'stand_on_mat',
  instruction: 'Drive onto the red mat.',
  numStages: 2,
  meanExpertSteps: 100, // the time-out is twice this
  meanExpertMetres: { base: 1.2, left: 1.2, right: 1.2 },
  skills: ['drive to the mat', 'stand on the mat'], // one a stage
  bodies: `<body name="mat">${box('mat', [0.3, 0.3, 0.004], [0, 0, 0.004], '.8 .2 .2 1', 'class="decoration"')}</body>`,
  sensors: '',
  excluded: [],
  graspable: [],
  create(world) {
    let mat: Vector3 = [0, 0, 0];
    const away = () => Math.hypot(world.base[0] - mat[0], world.base[1] - mat[1]);
    const there = () => away() < CLOSE;
    return {
      goal: { literals: [{ text: 'on(robot, mat)', holds: there }], options: [[0]] },
      place(random) {
        mat = [random.between(0, 0.5), random.between(-0.3, 0.3), 0];
        world.placeFixed('mat', mat, [1, 0, 0, 0]);
        world.setBase(-1, 0, 0);
      },
      afterStep() {},
      situation() {
        const stage = there() ? 1 : 0;
        return { stage, skill: standOnMat.skills[stage] ?? '', target: mat, destination: mat };
      },
      save: () => mat,
      load: ([x = 0, y = 0, z = 0]) => {
        mat = [x, y, z];
      },
    };
  },
  createExpert: (household, runtime) => ({
    act() {
      const [forward, left] = household.inBase(runtime.situation().target);
      const action = household.lastAction; // the joints stay where they are
      action.set([Math.min(0.5, forward), left, 0]); // the base's velocity, shares of full scale
      return action;
    },
    close() {},
  }),
};

const household = await openHousehold(standOnMat, { imageSize: 32 });
const expert = createExpert(household);
for (const instance of [0, 1, 2]) {
  household.reset(instance);
  while (!household.step(expert.act()).done);
  console.log(`scene ${instance}: q ${household.q()} after ${household.steps} steps`);
}
expert.close();
household.close();
