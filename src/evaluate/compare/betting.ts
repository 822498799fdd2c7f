/**
 * A test that may be looked at after every pair, and stopped then: the wealth of somebody who bets against "no better"
 * at fair odds. If that is true, the wealth reaches 1/level with a chance of `level` at most, ever (Ville 1939;
 * Waudby-Smith & Ramdas 2024, J. R. Stat. Soc. B 86: bets on bounded means). Differences lie in [-1, 1] and are the
 * same in distribution each time: with several tasks, give their mean over one instance of each.
 */
export interface SequentialTest {
  /** Takes one more difference in [-1, 1]. */
  add(difference: number): void;
  readonly count: number;
  /** What is known by now: `b` is better, `a` is better, `alike` (the interval lies within ±margin), or not yet. */
  readonly verdict: 'b' | 'a' | 'alike' | undefined;
  /** An interval of the mean difference that holds at all times together with 95 %. */
  interval(): { readonly low: number; readonly high: number };
}

/** The level of the two sides together. */
const LEVEL = 0.05;
/** No bet risks more than this share of what could be lost at once. */
const CAUTION = 0.75;
/** Means for which a wealth of its own is kept: -1, -0.99, … 1. */
const GRID = Array.from({ length: 201 }, (_, i) => (i - 100) / 100);

/**
 * @param margin differences this small do not matter: with it, the test may also end with `alike` (0: it may not)
 * @param means candidates of the mean, 0 among them: bounds of the interval are some of them, the verdict needs 0 alone
 */
export function sequentialTest(margin = 0, means: readonly number[] = GRID): SequentialTest {
  const zero = means.indexOf(0);
  // One bet a candidate m and side: that the mean is above m, and that it is below. Logarithms of the wealth.
  const above = new Float64Array(means.length);
  const below = new Float64Array(means.length);
  const known = new Uint8Array(means.length); // bits; 1: the mean was shown to be above m, 2: below
  const enough = Math.log(2 / LEVEL);
  let [count, sum, squares] = [0, 0, 0];

  const add = (difference: number): void => {
    if (!(difference >= -1 && difference <= 1))
      throw new RangeError(`a difference of ${difference} (expected -1 to 1)`);
    // Mean and variance of what came before, with one imagined pair on each side.
    const mean = sum / (count + 2);
    const variance = Math.max((squares + 0.5) / (count + 2) - mean ** 2, 1e-4);
    means.forEach((m, i) => {
      const edge = mean - m;
      const bet = edge / (variance + edge ** 2); // the growth-optimal bet, to second order (Kelly)
      const [wealth, side] = bet > 0 ? [above, 1] : [below, 2];
      // The other side does not bet; what is known needs no more bets.
      if (bet === 0 || (known[i] as number) & side) return;
      const most = CAUTION / ((side === 1 ? 1 + m : 1 - m) || Number.MIN_VALUE);
      const gain = side === 1 ? difference - m : m - difference;
      wealth[i] = (wealth[i] as number) + Math.log1p(Math.min(Math.abs(bet), most) * gain);
      if ((wealth[i] as number) >= enough) known[i] = (known[i] as number) | side;
    });
    count++;
    sum += difference;
    squares += difference ** 2;
  };
  const interval = () => {
    let [low, high] = [-1, 1];
    means.forEach((m, i) => {
      if ((known[i] as number) & 1) low = Math.max(low, m);
      if ((known[i] as number) & 2) high = Math.min(high, m);
    });
    return { low, high };
  };
  return {
    add,
    interval,
    get count() {
      return count;
    },
    get verdict() {
      const { low, high } = interval();
      if (low >= 0) return (known[zero] as number) & 1 ? 'b' : undefined;
      if (high <= 0) return (known[zero] as number) & 2 ? 'a' : undefined;
      return margin > 0 && low > -margin && high < margin ? 'alike' : undefined;
    },
  };
}
