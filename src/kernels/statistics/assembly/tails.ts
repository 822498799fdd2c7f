/** Adds how many lanes of a mask are set to four counters, a lane each. */
@inline
function addLanes(counters: usize, mask: v128): void {
  v128.store(counters, i32x4.sub(v128.load(counters), mask));
}

/** Writes a number to `to`; returns the place of the next one, which is the same where `kept` is 0. */
@inline
function keep(to: usize, value: f32, kept: u32): usize {
  store<f32>(to, value);
  return to + (kept & 4);
}

/**
 * Counts four numbers by where they lie (one mask each), and writes those between the bounds to the address at
 * `place`, which moves on. counters [3, 4]: beyond the outer bound, beyond or on it, beyond or on the inner one.
 */
@inline
function takeTail(
  values: v128,
  beyondOuter: v128,
  reachOuter: v128,
  beyondInner: v128,
  reachInner: v128,
  counters: usize,
  place: usize,
): void {
  addLanes(counters, beyondOuter);
  addLanes(counters + 16, reachOuter);
  addLanes(counters + 32, reachInner);
  const between = v128.andnot(beyondInner, reachOuter);
  if (v128.any_true(between)) {
    let to: usize = load<u32>(place);
    to = keep(to, f32x4.extract_lane(values, 0), i32x4.extract_lane(between, 0));
    to = keep(to, f32x4.extract_lane(values, 1), i32x4.extract_lane(between, 1));
    to = keep(to, f32x4.extract_lane(values, 2), i32x4.extract_lane(between, 2));
    to = keep(to, f32x4.extract_lane(values, 3), i32x4.extract_lane(between, 3));
    store<u32>(place, to);
  }
}

/** The low tail: bounds [4] begin with its outer and its inner one. */
@inline
function takeLow(values: v128, bounds: usize, counters: usize, place: usize): void {
  const outer = v128.load32_splat(bounds);
  const inner = v128.load32_splat(bounds, 4);
  const reachInner = f32x4.le(values, inner);
  if (v128.any_true(reachInner))
    takeTail(
      values,
      f32x4.lt(values, outer),
      f32x4.le(values, outer),
      f32x4.lt(values, inner),
      reachInner,
      counters,
      place,
    );
}

/** The high tail: bounds [4] end with its outer and its inner one. */
@inline
function takeHigh(values: v128, bounds: usize, counters: usize, place: usize): void {
  const outer = v128.load32_splat(bounds, 8);
  const inner = v128.load32_splat(bounds, 12);
  const reachInner = f32x4.ge(values, inner);
  if (v128.any_true(reachInner))
    takeTail(
      values,
      f32x4.gt(values, outer),
      f32x4.ge(values, outer),
      f32x4.gt(values, inner),
      reachInner,
      counters + 48,
      place + 4,
    );
}

/**
 * The tails of actions[i + step] − states[i] (float32), i < count, for each step < horizon. The states are
 * followed by three NaNs. own [horizon, 4] and rows [4]: outer and inner bound of the low tail, of the high tail.
 * counters [horizon, 6, 4] and rowCounters [6, 4] are added to. What lies between the bounds is written to the
 * addresses places [horizon, 2] and rowPlaces [2], which move on.
 */
export function tails(
  actions: usize,
  states: usize,
  count: u32,
  horizon: u32,
  own: usize,
  rows: usize,
  counters: usize,
  rowCounters: usize,
  places: usize,
  rowPlaces: usize,
): void {
  const end = states + (count << 2);
  for (let step: u32 = 0; step < horizon; step++) {
    const low = f32x4.pmax(v128.load32_splat(own, 4), v128.load32_splat(rows, 4));
    const high = f32x4.pmin(v128.load32_splat(own, 12), v128.load32_splat(rows, 12));
    let action = actions;
    for (let state = states; state < end; state += 16) {
      const values = f32x4.sub(v128.load(action, 0, 4), v128.load(state, 0, 4));
      if (v128.any_true(v128.or(f32x4.le(values, low), f32x4.ge(values, high)))) {
        takeLow(values, own, counters, places);
        takeHigh(values, own, counters, places);
        takeLow(values, rows, rowCounters, rowPlaces);
        takeHigh(values, rows, rowCounters, rowPlaces);
      }
      action += 16;
    }
    actions += 4;
    own += 16;
    counters += 96;
    places += 8;
  }
}
