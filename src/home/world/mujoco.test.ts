import { describe, expect, it } from 'vitest';
import { Physics } from './mujoco.ts';

const PENDULUM = `<mujoco><worldbody>
  <body name="arm"><joint name="hinge" axis="0 1 0"/><geom type="capsule" size=".05" fromto="0 0 0 .4 0 0"/></body>
  <body name="ball" pos="0 1 0"><freejoint name="ball"/><geom size=".1"/></body>
</worldbody><equality><weld name="slot" body1="arm" body2="ball" active="false"/></equality></mujoco>`;

describe('Physics', () => {
  it('reads and writes arrays of bools, which the binding forgets to register', async () => {
    const physics = await Physics.create(PENDULUM);
    const slot = physics.id('equality', 'slot');
    expect(physics.views.equalityActive[slot]).toBe(0);
    physics.views.equalityActive[slot] = 1;
    expect(physics.data.eq_active[slot]).toBe(1);
    physics.close();
  });

  it('keeps working when another world makes the memory grow', async () => {
    const physics = await Physics.create(PENDULUM);
    const address = physics.positionAddress('hinge');
    const stale = physics.views.qpos;
    stale[address] = 0.5;
    const others = [];
    while (stale.length > 0 && others.length < 60)
      others.push(await Physics.create(PENDULUM.replace('<worldbody>', '<size memory="20M"/><worldbody>')));
    expect(stale.length).toBe(0);
    expect(physics.views.qpos[address]).toBe(0.5);
    for (const other of others) other.close();
    physics.close();
  });

  it('refuses unknown names and use after close', async () => {
    const physics = await Physics.create(PENDULUM);
    expect(() => physics.id('joint', 'elbow')).toThrow(/no joint named elbow/);
    physics.close();
    physics.close();
    expect(() => physics.views).toThrow(/after close/);
    await expect(Physics.create('<mujoco><worldbody><body/></mujoco>')).rejects.toThrow(/does not compile/);
  });

  it('reports what the engine only counts', async () => {
    const physics = await Physics.create(PENDULUM);
    expect(physics.warnings()).toEqual([]);
    physics.views.qvel[0] = Number.NaN;
    physics.substep();
    expect(physics.warnings().join()).toMatch(/bad q/);
    physics.close();
  });
});
