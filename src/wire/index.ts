/**
 * Messages of the official evaluator's wire: msgpack with numpy arrays, observations in, replies out, the table of
 * extras.
 */
export { describeValue } from './describe.ts';
export {
  ASK_FOR_NOTE,
  type Asked,
  actionsAsked,
  askForChunk,
  EXTRAS,
  extra,
  inferMsOf,
  noteOf,
  type ReplyFacts,
  type WireExtra,
} from './extras.ts';
export { NumpyArray, NumpyScalar } from './numpy.ts';
export { type ObservationMessage, readObservation, writeObservation } from './observation.ts';
export { packMessage } from './pack.ts';
export { actionFromWire, chunkFromWire, packReply } from './reply.ts';
export { type UnpackLimits, unpackMessage } from './unpack.ts';
export { Float, type Packable, type WireMap, type WireValue } from './value.ts';
