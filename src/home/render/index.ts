/** The household's cameras: pictures of scenes of MuJoCo primitives, drawn on the CPU. Knows nothing of robots or physics. */
export { type Geoms, GeomType, type View } from './geometry.ts';
export { Raycaster } from './raycaster.ts';
