/** Messages of the official evaluator's wire: msgpack with numpy arrays, observations in, replies out. */
export { describeValue } from './describe.ts';
export {
  actionFromWire,
  decodeJpegs,
  decodePictures,
  observationFromWire,
  observationToWire,
  ownPictures,
} from './observation.ts';
export { packMessage } from './pack.ts';
export { packReply, WIDTH } from './reply.ts';
export { type UnpackLimits, unpackMessage } from './unpack.ts';
export { Float, NumpyArray, NumpyScalar, type Packable, type WireMap, type WireValue } from './value.ts';
