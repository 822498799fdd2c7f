/** What is taken from the rows of an episode as they come: float32 [rows, columns], relative columns first. */

/** Two float32 numbers as float64. */
@inline
export function twoDoubles(address: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(address));
}

/**
 * Lowest and highest of each column, into out [3, columns], which is widened; the third row is not 0 where a
 * number is none. `columns` is a multiple of 4.
 */
export function range(values: usize, rows: u32, columns: u32, out: usize): void {
  const stride: usize = columns << 2;
  for (let column: usize = 0; column < stride; column += 16) {
    let lowest = v128.load(out);
    let highest = v128.load(out + stride);
    let bad = v128.load(out + (stride << 1));
    let at = values + column;
    const end = at + stride * rows;
    for (; at < end; at += stride) {
      const value = v128.load(at);
      lowest = f32x4.pmin(lowest, value);
      highest = f32x4.pmax(highest, value);
      bad = v128.or(bad, f32x4.ne(value, value));
    }
    v128.store(out, lowest);
    v128.store(out + stride, highest);
    v128.store(out + (stride << 1), bad);
    out += 16;
  }
}

/**
 * Sums over rows of actions and states into out [5, columns] float64, which is added to: state, state², d, d²
 * with d = action − state rounded to float32 where the mask is set and d = action elsewhere, and the same
 * difference not rounded. mask [columns] of 64 bits; `columns` is even.
 */
export function moments(actions: usize, states: usize, rows: u32, columns: u32, mask: usize, out: usize): void {
  const stride: usize = columns << 2;
  const next: usize = columns << 3;
  for (let column: u32 = 0; column < columns; column += 2) {
    const wideMask = v128.load(mask);
    const narrowMask = i8x16.shuffle(wideMask, wideMask, 0, 1, 2, 3, 8, 9, 10, 11, 0, 0, 0, 0, 0, 0, 0, 0);
    let stateSum = v128.load(out);
    let stateSquares = v128.load(out + next);
    let deltaSum = v128.load(out + 2 * next);
    let deltaSquares = v128.load(out + 3 * next);
    let exactDeltaSum = v128.load(out + 4 * next);
    let action = actions + (column << 2);
    let state = states + (column << 2);
    const end = action + stride * rows;
    for (; action < end; action += stride) {
      const value = twoDoubles(state);
      stateSum = f64x2.add(stateSum, value);
      stateSquares = f64x2.add(stateSquares, f64x2.mul(value, value));
      exactDeltaSum = f64x2.add(exactDeltaSum, f64x2.sub(twoDoubles(action), v128.and(value, wideMask)));
      // Loaded once more, by another instruction: kept in registers, the numbers would cost 20 % of the speed.
      const delta = f64x2.promote_low_f32x4(
        f32x4.sub(v128.load64_splat(action), v128.and(v128.load64_splat(state), narrowMask)),
      );
      deltaSum = f64x2.add(deltaSum, delta);
      deltaSquares = f64x2.add(deltaSquares, f64x2.mul(delta, delta));
      state += stride;
    }
    v128.store(out, stateSum);
    v128.store(out + next, stateSquares);
    v128.store(out + 2 * next, deltaSum);
    v128.store(out + 3 * next, deltaSquares);
    v128.store(out + 4 * next, exactDeltaSum);
    out += 16;
    mask += 16;
  }
}
