import type { Policy } from '../../robot/index.ts';
import {
  decodePictures,
  observationFromWire,
  packReply,
  type UnpackLimits,
  unpackMessage,
  WIDTH,
} from '../../wire/index.ts';
import { PlanError } from './robot.ts';
import type { Responder } from './tap.ts';

/** Any policy at this end of the wire: an expert, a recording, another server. It sees every observation; chunks are not made. */
export function policyResponder(policy: Policy, unpack: Partial<UnpackLimits> = {}): Responder {
  let previousTotalMs: number | undefined;
  let lastReplyAt = performance.now();
  return {
    async respond(bytes) {
      const started = performance.now();
      const message = unpackMessage(bytes, unpack);
      if (message instanceof Map && message.has('reset')) {
        await policy.reset();
        return undefined;
      }
      const { observation, batched, wantsNote } = observationFromWire(message);
      const pictures = await decodePictures(observation.pictures, unpack.maxArrayBytes);
      const action = await policy.act({ ...observation, pictures });
      if (action.length !== WIDTH || !action.every(Number.isFinite))
        throw new PlanError('action', `is not ${WIDTH} finite numbers.`);
      const now = performance.now();
      const note = wantsNote ? policy.note : undefined;
      const reply = packReply({ action, note, batched, inferMs: now - started, previousTotalMs });
      previousTotalMs = now - lastReplyAt;
      lastReplyAt = now;
      return reply;
    },
    close: () => policy.close(),
  };
}
