/** Tables of 65,536 counters of 32 bits; a float32's upper 16 bits say which counter is meant. */
const TABLE_BYTES: usize = 262144;
/** The upper 16 bits of a float32, shifted to be the offset of a counter. */
const OFFSETS = 262140;

@inline
function increase(counter: usize): void {
  store<u32>(counter, load<u32>(counter) + 1);
}

/** Offsets of the counters of four differences. */
@inline
function offsetsOf(actions: usize, states: v128): v128 {
  return v128.and(i32x4.shr_u(f32x4.sub(v128.load(actions, 0, 4), states), 14), i32x4.splat(OFFSETS));
}

/** Offset of the counter of one difference. */
@inline
function offsetOf(actions: usize, states: usize): usize {
  return (reinterpret<u32>(load<f32>(actions) - load<f32>(states)) >> 14) & OFFSETS;
}

/** Counts actions[i] − states[i] (float32), i < count, in `table`. */
export function countOne(actions: usize, states: usize, count: u32, table: usize): void {
  const whole: usize = (count << 2) & -16;
  let at: usize = 0;
  for (; at < whole; at += 16) {
    const offsets = offsetsOf(actions + at, v128.load(states + at, 0, 4));
    increase(table + i32x4.extract_lane(offsets, 0));
    increase(table + i32x4.extract_lane(offsets, 1));
    increase(table + i32x4.extract_lane(offsets, 2));
    increase(table + i32x4.extract_lane(offsets, 3));
  }
  for (; at < count << 2; at += 4) increase(table + offsetOf(actions + at, states + at));
}

/** Increases a counter in each of four tables. */
@inline
function increaseFour(table: usize, first: usize, second: usize, third: usize, fourth: usize): void {
  increase(table + first);
  increase(table + TABLE_BYTES + second);
  increase(table + 2 * TABLE_BYTES + third);
  increase(table + 3 * TABLE_BYTES + fourth);
}

/** Counts actions[i + step] − states[i] (float32), i < count, in table number `step`, for four steps. */
export function countFour(actions: usize, states: usize, count: u32, table: usize): void {
  const whole: usize = (count << 2) & -16;
  let at: usize = 0;
  for (; at < whole; at += 16) {
    const from = v128.load(states + at, 0, 4);
    const first = offsetsOf(actions + at, from);
    const second = offsetsOf(actions + at + 4, from);
    const third = offsetsOf(actions + at + 8, from);
    const fourth = offsetsOf(actions + at + 12, from);
    increaseFour(
      table,
      i32x4.extract_lane(first, 0),
      i32x4.extract_lane(second, 0),
      i32x4.extract_lane(third, 0),
      i32x4.extract_lane(fourth, 0),
    );
    increaseFour(
      table,
      i32x4.extract_lane(first, 1),
      i32x4.extract_lane(second, 1),
      i32x4.extract_lane(third, 1),
      i32x4.extract_lane(fourth, 1),
    );
    increaseFour(
      table,
      i32x4.extract_lane(first, 2),
      i32x4.extract_lane(second, 2),
      i32x4.extract_lane(third, 2),
      i32x4.extract_lane(fourth, 2),
    );
    increaseFour(
      table,
      i32x4.extract_lane(first, 3),
      i32x4.extract_lane(second, 3),
      i32x4.extract_lane(third, 3),
      i32x4.extract_lane(fourth, 3),
    );
  }
  for (; at < count << 2; at += 4)
    increaseFour(
      table,
      offsetOf(actions + at, states + at),
      offsetOf(actions + at + 4, states + at),
      offsetOf(actions + at + 8, states + at),
      offsetOf(actions + at + 12, states + at),
    );
}
