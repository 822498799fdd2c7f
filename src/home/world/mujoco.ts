import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { MainModule, MjData, MjModel } from '@mujoco/mujoco';
import { ValetError } from '../../base/index.ts';

/** The version that package.json pins; results of other versions differ in the last bits. */
export const MUJOCO_VERSION = '3.14.0';

let loading: Promise<MainModule> | undefined;

/** The WebAssembly module of this thread, loaded once. */
function loadMujoco(): Promise<MainModule> {
  loading ??= load();
  return loading;
}

/** What the repair below needs of the module's imports. */
interface EmbindImports {
  _emval_take_value(type: number, argument: number): unknown;
  _embind_register_memory_view(type: number, kind: number, name: number): void;
}

/**
 * Versions 3.9 to 3.14 forget to register `memory_view<bool>`: every getter of a bool array throws "_emval_take_value
 * has unknown type". The missing type is registered the first time that it is asked for.
 */
async function load(): Promise<MainModule> {
  const create = (await import('@mujoco/mujoco')).default as unknown as (options: object) => Promise<MainModule>;
  const bytes = await readFile(createRequire(import.meta.url).resolve('@mujoco/mujoco/mujoco.wasm'));
  const compiled = await WebAssembly.compile(bytes);
  const typeName = new TextEncoder().encode('emscripten::memory_view<bool>\0');
  return create({
    instantiateWasm(
      imports: WebAssembly.Imports,
      done: (instance: WebAssembly.Instance, m: WebAssembly.Module) => void,
    ) {
      const environment = imports.env as unknown as EmbindImports;
      const takeValue = environment._emval_take_value;
      let instance: WebAssembly.Instance;
      environment._emval_take_value = (type, argument) => {
        try {
          return takeValue(type, argument);
        } catch (error) {
          if (!/memory_viewIbE/.test(String((error as Error).message))) throw error;
          const { malloc, free, memory } = instance.exports as unknown as {
            malloc(size: number): number;
            free(pointer: number): void;
            memory: WebAssembly.Memory;
          };
          const pointer = malloc(typeName.length);
          new Uint8Array(memory.buffer).set(typeName, pointer);
          environment._embind_register_memory_view(type, 1 /* Uint8Array */, pointer);
          free(pointer);
          return takeValue(type, argument);
        }
      };
      void WebAssembly.instantiate(compiled, imports).then((made) => {
        instance = made;
        done(made, compiled);
      });
      return {};
    },
  });
}

export type ObjectKind = 'body' | 'joint' | 'geom' | 'site' | 'camera' | 'actuator' | 'equality' | 'sensor';

/** Arrays of the model and the state that the household reads or writes. */
interface Views {
  qpos: Float64Array;
  qvel: Float64Array;
  ctrl: Float64Array;
  actuatorForce: Float64Array;
  xpos: Float64Array;
  xquat: Float64Array;
  xmat: Float64Array;
  cvel: Float64Array;
  sitePosition: Float64Array;
  siteMatrix: Float64Array;
  geomPosition: Float64Array;
  geomMatrix: Float64Array;
  cameraPosition: Float64Array;
  cameraMatrix: Float64Array;
  sensor: Float64Array;
  equalityActive: Uint8Array;
  equalityData: Float64Array;
  equalityObject2: Int32Array;
  bodyPosition: Float64Array;
  bodyQuaternion: Float64Array;
  geomColour: Float32Array;
  geomSize: Float64Array;
  geomLocalPosition: Float64Array;
  geomBound: Float64Array;
  cameraLocalPosition: Float64Array;
  cameraQuaternion: Float64Array;
  /** Forces on the degrees of freedom from outside. */
  appliedForce: Float64Array;
}

/**
 * A model with its state. The binding's arrays are views into the WebAssembly memory that detach (length 0) whenever
 * any world makes that memory grow; `views` binds them anew then, so never keep one across a call that may allocate.
 */
export class Physics {
  private bound: Views | undefined;
  private readonly stateSize: number;
  private readonly stateSignature: number;
  private readonly stateBuffer;
  private closed = false;

  private constructor(
    readonly mujoco: MainModule,
    readonly model: MjModel,
    readonly data: MjData,
  ) {
    this.stateSignature = mujoco.mjtState.mjSTATE_INTEGRATION.value;
    this.stateSize = mujoco.mj_stateSize(model, this.stateSignature);
    this.stateBuffer = new mujoco.DoubleBuffer(this.stateSize);
  }

  static async create(xml: string): Promise<Physics> {
    const mujoco = await loadMujoco();
    let model: MjModel;
    try {
      model = mujoco.MjModel.from_xml_string(xml);
    } catch (error) {
      throw new ValetError('Physics', `the scene does not compile: ${(error as Error).message ?? error}`);
    }
    return new Physics(mujoco, model, new mujoco.MjData(model));
  }

  get views(): Views {
    if (this.bound && this.bound.qpos.length > 0) return this.bound;
    if (this.closed) throw new ValetError('Physics', 'used after close().');
    const { data: d, model: m } = this;
    this.bound = {
      qpos: d.qpos,
      qvel: d.qvel,
      ctrl: d.ctrl,
      actuatorForce: d.actuator_force,
      xpos: d.xpos,
      xquat: d.xquat,
      xmat: d.xmat,
      cvel: d.cvel,
      sitePosition: d.site_xpos,
      siteMatrix: d.site_xmat,
      geomPosition: d.geom_xpos,
      geomMatrix: d.geom_xmat,
      cameraPosition: d.cam_xpos,
      cameraMatrix: d.cam_xmat,
      sensor: d.sensordata,
      equalityActive: d.eq_active,
      equalityData: m.eq_data,
      equalityObject2: m.eq_obj2id,
      bodyPosition: m.body_pos,
      bodyQuaternion: m.body_quat,
      geomColour: m.geom_rgba,
      geomSize: m.geom_size,
      geomLocalPosition: m.geom_pos,
      geomBound: m.geom_rbound,
      cameraLocalPosition: m.cam_pos,
      cameraQuaternion: m.cam_quat,
      appliedForce: d.qfrc_applied,
    };
    return this.bound;
  }

  /** @throws when the model has no such object: the binding itself does not check ids */
  id(kind: ObjectKind, name: string): number {
    const types = this.mujoco.mjtObj;
    const type = {
      body: types.mjOBJ_BODY,
      joint: types.mjOBJ_JOINT,
      geom: types.mjOBJ_GEOM,
      site: types.mjOBJ_SITE,
      camera: types.mjOBJ_CAMERA,
      actuator: types.mjOBJ_ACTUATOR,
      equality: types.mjOBJ_EQUALITY,
      sensor: types.mjOBJ_SENSOR,
    }[kind];
    const id = this.mujoco.mj_name2id(this.model, type.value, name);
    if (id < 0) throw new ValetError('Physics.id', `the model has no ${kind} named ${name}.`);
    return id;
  }

  positionAddress(joint: string): number {
    return this.model.jnt_qposadr[this.id('joint', joint)];
  }

  velocityAddress(joint: string): number {
    return this.model.jnt_dofadr[this.id('joint', joint)];
  }

  sensorAddress(sensor: string): number {
    return this.model.sensor_adr[this.id('sensor', sensor)];
  }

  /** Metres between two geoms, at most `limit`; less than 0 where they overlap. */
  gap(geom: number, other: number, limit: number): number {
    return this.mujoco.mj_geomDistance(this.model, this.data, geom, other, limit, null);
  }

  reset(): void {
    this.mujoco.mj_resetData(this.model, this.data);
  }

  substep(): void {
    this.mujoco.mj_step(this.model, this.data);
  }

  /** Poses of bodies, geoms, sites and cameras from the present joint positions; does not touch the state. */
  poses(): void {
    this.mujoco.mj_kinematics(this.model, this.data);
    this.mujoco.mj_comPos(this.model, this.data);
    this.mujoco.mj_camlight(this.model, this.data);
  }

  /**
   * Names of the engine's warnings so far (contact or constraint buffer full, bad state: the engine resets itself
   * silently).
   */
  warnings(): string[] {
    const list = this.data.warning;
    const names = [
      'inertia',
      'contact buffer full',
      'constraint buffer full',
      'vgeom full',
      'bad qpos',
      'bad qvel',
      'bad qacc',
      'bad ctrl',
    ];
    const found: string[] = [];
    for (let i = 0; i < list.size(); i++) if ((list.get(i)?.number ?? 0) > 0) found.push(names[i] ?? `warning ${i}`);
    return found;
  }

  /**
   * Everything that integration depends on; bit-exact (mjSTATE_FULLPHYSICS is not: it lacks the solver's warm start).
   */
  saveState(): Float64Array {
    this.mujoco.mj_getState(this.model, this.data, this.stateBuffer, this.stateSignature);
    return Float64Array.from(this.stateBuffer.GetView());
  }

  loadState(state: Float64Array): void {
    if (state.length !== this.stateSize)
      throw new ValetError('Physics.loadState', `wrong length (got ${state.length}, expected ${this.stateSize}).`);
    this.mujoco.mj_setState(this.model, this.data, Array.from(state), this.stateSignature);
  }

  /** Joint positions after so many substeps from the present state, which stays as it is. */
  foresee(substeps: number): Float64Array {
    const state = this.saveState();
    const scratch = this.scratch();
    try {
      this.mujoco.mj_setState(this.model, scratch, Array.from(state), this.stateSignature);
      for (let i = 0; i < substeps; i++) this.mujoco.mj_step(this.model, scratch);
      return Float64Array.from(scratch.qpos);
    } finally {
      scratch.delete();
    }
  }

  /** A second state of the same model, for inverse kinematics. The caller deletes it. */
  scratch(): MjData {
    return new this.mujoco.MjData(this.model);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.bound = undefined;
    this.stateBuffer.delete();
    this.data.delete();
    this.model.delete();
  }
}
