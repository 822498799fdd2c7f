import { z } from 'zod';
import { InputError, present } from '../base/index.ts';

/**
 * Everything that a session knows between two control steps; plain JSON, arrays as base64 of their little-endian bytes,
 * so that every bit comes back.
 */
const SnapshotSchema = z.strictObject({
  version: z.literal(1),
  taskId: z.number().int(),
  stage: z.number().int().nonnegative(),
  history: z.array(z.number().int()),
  episode: z.number().int().nonnegative(),
  plans: z.number().int().nonnegative(),
  /** float32 [width]. */
  state: z.base64().optional(),
  plan: z
    .strictObject({
      /** float64 [rows, width]. */
      actions: z.base64(),
      rows: z.number().int().nonnegative(),
      compressed: z.boolean(),
      recovery: z.boolean(),
    })
    .optional(),
  served: z.number().int().nonnegative(),
  /** float64 [rows, width]. */
  prefix: z.strictObject({ rows: z.number().int().nonnegative(), actions: z.base64() }).optional(),
  pending: z
    .strictObject({
      planned: z.boolean(),
      predicted: z.number().int().optional(),
      rule: z.string().optional(),
      reason: z.string().optional(),
    })
    .optional(),
  note: z.strictObject({
    planned: z.boolean(),
    stage: z.number().int(),
    predicted: z.number().int().optional(),
    rule: z.string().optional(),
    reason: z.string().optional(),
    compressed: z.boolean().optional(),
  }),
  /** float32 [steps, 2, width]: measured state and the action given, oldest first. */
  past: z.base64(),
  rest: z.number().int().nonnegative(),
  recoveries: z.number().int().nonnegative(),
  /** The state has not been followed by an action yet. */
  fresh: z.boolean(),
});

export type SessionSnapshot = z.infer<typeof SnapshotSchema>;

/** A snapshot that came from outside. @throws InputError when it is none */
export function parseSnapshot(value: unknown): SessionSnapshot {
  const parsed = SnapshotSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = present(parsed.error.issues[0], 'parsed.error.issues[0]');
  throw new InputError('session.restore', `not a snapshot of a session (${path.join('.') || 'value'}: ${message}).`);
}

export const toBase64 = ({ buffer, byteOffset, byteLength }: Float32Array | Float64Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

const bytesOf = (text: string, size: number, count: number | undefined): ArrayBuffer => {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length % size !== 0 || (count !== undefined && bytes.length !== count * size))
    throw new InputError(
      'session.restore',
      `an array of the wrong size (got ${bytes.length} bytes, expected ` +
        `${count === undefined ? `a multiple of ${size}` : count * size}).`,
    );
  return new Uint8Array(bytes).buffer;
};
export const float32 = (text: string, count?: number): Float32Array => new Float32Array(bytesOf(text, 4, count));
export const float64 = (text: string, count?: number): Float64Array => new Float64Array(bytesOf(text, 8, count));
