import { twoDoubles } from './rows';

// See exact.ts: a mutable global, for V8's sake.
export let half: f64 = 0.5;

/** Half of two increments of an action where the mask is set, half of the values elsewhere. */
@inline
function halfIncrements(action: usize, stride: usize, mask: v128, halves: v128): v128 {
  return f64x2.mul(halves, f64x2.sub(twoDoubles(action), v128.and(twoDoubles(action - stride), mask)));
}

/**
 * The series of one block from rows of actions and states (the row before the actions is read, too). Increments
 * where the mask is set, values elsewhere: for `have` of `length` rows into increments [length, columns]; for
 * `used` of them also into series [length, seriesColumns], with the tracking errors action − state of the first
 * `relative` columns at byte offsets places [relative]. The errors also go into errors [length, errorColumns].
 * All other numbers of series and increments become 0. Both hold halves, which `separate` doubles.
 */
export function prepare(
  actions: usize,
  states: usize,
  used: u32,
  have: u32,
  length: u32,
  columns: u32,
  seriesColumns: u32,
  mask: usize,
  places: usize,
  relative: u32,
  errorColumns: u32,
  series: usize,
  increments: usize,
  errors: usize,
): void {
  const halves = f64x2.splat(half);
  const stride: usize = columns << 2;
  const wide: usize = columns << 3;
  for (let row: u32 = 0; row < length; row++) {
    if (row < used) {
      for (let at: usize = 0; at < wide; at += 16) {
        const value = halfIncrements(actions + (at >> 1), stride, v128.load(mask + at), halves);
        v128.store(increments + at, value);
        v128.store(series + at, value);
      }
      for (let column: u32 = 0; column < relative; column++) {
        const at: usize = column << 2;
        const error = <f64>load<f32>(actions + at) - <f64>load<f32>(states + at);
        store<f64>(series + load<u32>(places + at), error * half);
        store<f64>(errors + (column << 3), error);
      }
    } else {
      memory.fill(series, 0, seriesColumns << 3);
      if (row < have)
        for (let at: usize = 0; at < wide; at += 16)
          v128.store(increments + at, halfIncrements(actions + (at >> 1), stride, v128.load(mask + at), halves));
      else memory.fill(increments, 0, wide);
    }
    actions += stride;
    states += stride;
    series += seriesColumns << 3;
    increments += wide;
    errors += errorColumns << 3;
  }
}

/** Adds errorsᵀ·errors of `rows` rows to out [columns, columns], columns up to the row's own group of 4. */
export function gram(errors: usize, rows: u32, columns: u32, out: usize): void {
  const stride: usize = columns << 3;
  for (let row: usize = 0; row < stride; row += 16) {
    for (let column: usize = 0; column <= row; column += 32) {
      let topLeft = f64x2.splat(0);
      let topRight = f64x2.splat(0);
      let bottomLeft = f64x2.splat(0);
      let bottomRight = f64x2.splat(0);
      let across = errors + row;
      let along = errors + column;
      const end = across + stride * rows;
      for (; across < end; across += stride) {
        const top = v128.load64_splat(across);
        const bottom = v128.load64_splat(across, 8);
        const left = v128.load(along);
        const right = v128.load(along, 16);
        topLeft = f64x2.add(topLeft, f64x2.mul(top, left));
        topRight = f64x2.add(topRight, f64x2.mul(top, right));
        bottomLeft = f64x2.add(bottomLeft, f64x2.mul(bottom, left));
        bottomRight = f64x2.add(bottomRight, f64x2.mul(bottom, right));
        along += stride;
      }
      let at = out + stride * (row >> 3) + column;
      v128.store(at, f64x2.add(v128.load(at), topLeft));
      v128.store(at, f64x2.add(v128.load(at, 16), topRight), 16);
      at += stride;
      v128.store(at, f64x2.add(v128.load(at), bottomLeft));
      v128.store(at, f64x2.add(v128.load(at, 16), bottomRight), 16);
    }
  }
}
