import type { LoadedEpisode } from './decode.worker.ts';
import type { PlannedEpisode } from './planSamples.ts';
import { chunkAt, framesOf } from './sampling.ts';

/** The numbers of all samples, each in one flat array. */
export class SampleTable {
  /** [count, width] at each chunk's first frame. */
  readonly state: Float32Array;
  /** [rows, width] of all episodes, one after the other. */
  readonly action: Float32Array;
  /** [count] the row of `action` at which each sample's chunk begins. */
  readonly row: Uint32Array;
  /** [count] the last row of its episode. */
  readonly last: Uint32Array;
  readonly taskId: Int32Array;
  readonly stage: Uint16Array;
  readonly folder: Int32Array;
  readonly episode: Int32Array;
  readonly frame: Int32Array;
  /** [count, taskInfoWidth], zeros behind the numbers of tasks that have fewer. */
  taskInfo = new Float32Array(0);
  taskInfoWidth = 0;
  private nextRow = 0;
  private readonly parts: { first: number; width: number; data: Float32Array }[] = [];

  /** @param width numbers per action and state */
  constructor(
    readonly count: number,
    rows: number,
    readonly width: number,
  ) {
    this.state = new Float32Array(count * width);
    this.action = new Float32Array(rows * width);
    this.row = new Uint32Array(count);
    this.last = new Uint32Array(count);
    this.taskId = new Int32Array(count);
    this.stage = new Uint16Array(count);
    this.folder = new Int32Array(count);
    this.episode = new Int32Array(count);
    this.frame = new Int32Array(count);
  }

  put({ dataset, episode, starts, firstSample: first }: PlannedEpisode, loaded: LoadedEpisode): void {
    const { width } = this;
    const frames = framesOf(starts);
    this.state.set(loaded.state, first * width);
    this.action.set(loaded.action, this.nextRow * width);
    this.stage.set(loaded.stage, first);
    this.frame.set(frames, first);
    for (const [i, frame] of frames.entries()) this.row[first + i] = this.nextRow + frame;
    const end = first + frames.length;
    this.last.fill(this.nextRow + loaded.action.length / width - 1, first, end);
    this.taskId.fill(episode.taskIndex, first, end);
    this.folder.fill(dataset, first, end);
    this.episode.fill(episode.index, first, end);
    this.parts.push({ first, width: loaded.taskInfoWidth, data: loaded.taskInfo });
    this.nextRow += loaded.action.length / width;
  }

  /** Absolute chunk [horizon, width] of a sample; past its episode's end the last action is repeated. */
  chunk(place: number, horizon: number): Float32Array {
    const { width } = this;
    return chunkAt(this.action, { row: this.row[place] ?? 0, last: this.last[place] ?? 0, horizon, width });
  }

  /** Lays the privileged observations, whose width differs between tasks, side by side. */
  seal(): void {
    const k = this.parts.reduce((widest, part) => Math.max(widest, part.width), 0);
    this.taskInfoWidth = k;
    this.taskInfo = new Float32Array(this.count * k);
    for (const { first, width, data } of this.parts.splice(0))
      for (let i = 0; i * width < data.length; i++)
        this.taskInfo.set(data.subarray(i * width, (i + 1) * width), (first + i) * k);
  }
}
