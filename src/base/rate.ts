/** What was done longer ago says little about the rate of now. */
const WINDOW_S = 60;
/** Of the time so far that is looked at, where that is longer. */
const WINDOW_SHARE = 1 / 3;
/** What is done as soon as the work begins was there before. */
const BEFORE_S = 1;

interface Reading {
  readonly seconds: number;
  readonly done: number;
}

/**
 * How fast work goes lately: over the last minute, or the last third of the time where that is more. Work that an
 * earlier run has done, and that is told of in the first second, counts for nothing.
 */
export class Rate {
  private readonly readings: Reading[];
  private last: Reading;
  private readonly started: number;

  /** @param now seconds, of any beginning */
  constructor(
    done = 0,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {
    this.started = now();
    this.last = { seconds: this.started, done };
    this.readings = [this.last];
  }

  /** Takes down what is done so far. */
  at(done: number): void {
    const seconds = this.now();
    this.last = { seconds, done };
    if (seconds - this.started < BEFORE_S) {
      this.readings.splice(0, this.readings.length, this.last);
      return;
    }
    // One reading in a hundredth of the window is enough.
    const window = Math.max(WINDOW_S, WINDOW_SHARE * (seconds - this.started));
    const newest = this.readings.at(-1);
    if (newest && seconds - newest.seconds >= window / 100) this.readings.push(this.last);
    while (this.readings.length > 2 && (this.readings[1] as Reading).seconds <= seconds - window) this.readings.shift();
  }

  /** Units a second; 0 when nothing was done yet. */
  get perSecond(): number {
    const [first = this.last] = this.readings;
    const seconds = this.last.seconds - first.seconds;
    return seconds > 0 ? Math.max(0, this.last.done - first.done) / seconds : 0;
  }

  /** Seconds that the rest takes at this rate; NaN when nothing was done yet. */
  secondsLeft(total: number): number {
    const { perSecond } = this;
    return perSecond > 0 ? Math.max(0, total - this.last.done) / perSecond : Number.NaN;
  }
}
