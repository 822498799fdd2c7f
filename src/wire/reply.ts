import type { PolicyNote } from '../robot/index.ts';
import { packMessage } from './pack.ts';
import { Float, NumpyArray, type Packable } from './value.ts';

/** Numbers of one action (docs/facts.md#actions). */
export const WIDTH = 23;

export interface ReplyParts {
  /** float32 [23]. */
  readonly action: Float32Array;
  /** float32 [rows, 23], the first row equal to `action`; absent when no chunk was asked for, or it could not be filled. */
  readonly chunk?: Float32Array | undefined;
  readonly note?: PolicyNote | undefined;
  /** The observation came with a leading axis of 1. */
  readonly batched: boolean;
  readonly inferMs: number;
  readonly previousTotalMs: number | undefined;
}

/** The reply to an observation as the official server writes it. */
export function packReply({ action, chunk, note, batched, inferMs, previousTotalMs }: ReplyParts): Uint8Array {
  const lead = batched ? [1] : [];
  const reply: { [key: string]: Packable } = { action: NumpyArray.of(action, [...lead, WIDTH]) };
  if (chunk) reply['action_chunk'] = NumpyArray.of(chunk, [...lead, chunk.length / WIDTH, WIDTH]);
  if (note) reply['policy_note'] = { ...note };
  reply['server_timing'] = {
    infer_ms: new Float(inferMs),
    ...(previousTotalMs === undefined ? {} : { prev_total_ms: new Float(previousTotalMs) }),
  };
  return packMessage(reply);
}
