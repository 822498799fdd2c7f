import type { Emitter } from './emitter.ts';

/** Bytes [M, K] of a matrix with one scale for each row [M, 1]. */
export interface QuantisedRows {
  readonly bytes: string;
  readonly scale: string;
}

/**
 * How bytes stand for numbers: `centred` about a zero point of 128 (64 with 7 bits), as the left operand of an integer
 * product has to be; `positive` from 0 for what is never negative; `signed` for a right operand.
 */
export type ByteKind = 'centred' | 'positive' | 'signed';

/** Emits the nodes that turn rows of float32 numbers into bytes; a matrix that two products read is turned once. */
export class RowQuantiser {
  private readonly known = new Map<string, QuantisedRows>();

  constructor(
    private readonly to: Emitter,
    /** 8 where the CPU multiplies bytes without saturation; 7 keeps pairs of products within 16 bits. */
    private readonly activationBits: 7 | 8,
  ) {}

  /** What stands for zero in the left operand, a scalar. */
  zeroPoint(kind: 'centred' | 'positive'): string {
    const value = kind === 'centred' ? 2 ** (this.activationBits - 1) : 0;
    return this.to.constant(`int8/zero ${kind}`, [], 'uint8', Uint8Array.of(value));
  }

  /** x [M, K] → bytes and max|row| / (the largest step). */
  rows(x: string, count: number, kind: ByteKind): QuantisedRows {
    const key = `${kind} ${x}`;
    const found = this.known.get(key);
    if (found) return found;
    const { to } = this;
    const steps = kind === 'signed' ? 127 : 2 ** (this.activationBits - (kind === 'centred' ? 1 : 0)) - 1;
    const inverse = to.constant(`int8/1 ${steps}`, [], 'float32', Float32Array.of(1 / steps));
    const least = to.constant('int8/least', [], 'float32', Float32Array.of(1e-30));
    const last = to.constant('int8/last', [1], 'int64', BigInt64Array.of(-1n));
    const zeros =
      kind === 'signed'
        ? to.constant(`int8/zeros ${count} ${kind}`, [count], 'int8', new Int8Array(count))
        : to.constant(
            `int8/zeros ${count} ${kind}`,
            [count],
            'uint8',
            new Uint8Array(count).fill(kind === 'centred' ? steps + 1 : 0),
          );
    const name = (what: string) => `${x}/${kind} ${what}`;
    const keep = { keepdims: { int: 1 } };
    const highest = to.emit('ReduceMax', name('highest'), [x, last], keep);
    // The largest magnitude from the largest and the smallest number: two passes that write nothing, where Abs would
    // write a whole activation.
    const lowest = () => to.emit('Neg', name('depth'), [to.emit('ReduceMin', name('lowest'), [x, last], keep)]);
    const largest = kind === 'positive' ? highest : to.emit('Max', name('largest'), [highest, lowest()]);
    const scale = to.emit('Max', name('scale'), [to.emit('Mul', name('step'), [largest, inverse]), least]);
    const scales = to.emit('Reshape', name('scales'), [scale, last]);
    const bytes = to.emit('QuantizeLinear', name('bytes'), [x, scales, zeros], { axis: { int: 0 } });
    const made = { bytes, scale };
    this.known.set(key, made);
    return made;
  }
}
