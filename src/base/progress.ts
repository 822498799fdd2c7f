import cliProgress from 'cli-progress';
import { Rate } from './rate.ts';

/**
 * A progress bar on stderr with rate and time left, both as it goes lately; in a pipe it prints a plain line now and
 * then. `--quiet` and tests pass `silent`.
 */
export class Progress {
  private readonly bar: cliProgress.SingleBar | undefined;
  private readonly started = performance.now();
  private readonly pace = new Rate();
  private lastLine = 0;
  private done = 0;

  constructor(
    private readonly label: string,
    private readonly total: number,
    { unit = '', silent = false }: { unit?: string; silent?: boolean } = {},
  ) {
    this.unit = unit;
    this.silent = silent;
    if (!silent && process.stderr.isTTY) {
      this.bar = new cliProgress.SingleBar(
        {
          format: `${label} {bar} {value}/{total} {unit} · {rate}/s · {left} left · {note}`,
          stream: process.stderr,
          hideCursor: true,
          fps: 5,
        },
        cliProgress.Presets.shades_classic,
      );
      this.bar.start(total, 0, { unit, rate: '–', left: '–', note: '' });
    }
  }
  private readonly unit: string;
  private readonly silent: boolean;

  /** Sets the work done so far; `note` stands at the end of the line. */
  at(done: number, note = ''): void {
    this.done = done;
    const seconds = (performance.now() - this.started) / 1000;
    this.pace.at(done);
    const { perSecond } = this.pace;
    const rate = perSecond === 0 ? '–' : perSecond.toFixed(perSecond >= 10 ? 0 : 2);
    const left = duration(this.pace.secondsLeft(this.total));
    if (this.bar) this.bar.update(done, { unit: this.unit, rate, left, note });
    else if (!this.silent && performance.now() - this.lastLine > 10_000) {
      if (this.lastLine > 0 || seconds > 2)
        process.stderr.write(`${this.label} ${done}/${this.total} ${this.unit} · ${rate}/s · ${left} left · ${note}\n`);
      this.lastLine = performance.now();
    }
  }

  /** Lines above the bar, or between its lines. */
  tell(lines: readonly string[]): void {
    if (this.silent) return;
    process.stderr.write(`${this.bar ? '\r\x1b[K' : ''}${lines.join('\n')}\n`);
  }

  add(count = 1, note = ''): void {
    this.at(this.done + count, note);
  }

  end(note = ''): void {
    const seconds = (performance.now() - this.started) / 1000;
    if (this.bar) {
      this.bar.update(this.done, { note, left: '0 s' });
      this.bar.stop();
    } else if (!this.silent && seconds > 2)
      process.stderr.write(`${this.label} ${this.done}/${this.total} ${this.unit} in ${duration(seconds)} ${note}\n`);
  }
}

/** Seconds as a person says them: `42 s`, `3 min 5 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
