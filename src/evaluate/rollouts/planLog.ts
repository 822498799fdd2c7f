import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { fromFloat16, toFloat16 } from '../../base/index.ts';
import type { PlanRecord, PolicyNote } from '../../robot/index.ts';

/** One line of `plans.jsonl`. */
export interface PlanLine {
  /** Control steps played when it is begun. */
  readonly step: number;
  /** Rows that the plan before had promised and this one began with. */
  readonly kept?: number;
  /** Rows of it that the network predicted: as many stand in `plans.bin`. 0: they are not known. */
  readonly rows: number;
  /** It was squeezed in time; what was played of it stands in `steps.jsonl`. */
  readonly compressed?: boolean;
  /** Milliseconds of its pass, and of the pass's parts; several environments may have shared it. */
  readonly ms: number;
  readonly prepareMs?: number;
  readonly prefixMs?: number;
  readonly denoiseMs?: number;
  /** What the network's heads said, where it has them: probability of success, share of the time that has passed. */
  readonly success?: number;
  readonly progress?: number;
}

/**
 * What is kept of a rollout's plans: `plans.jsonl`, and the predicted actions in `plans.bin`, gzipped float16 [rows of
 * all plans, width]. Half precision is 0.001 rad; a plan takes about 1 kB.
 */
export class PlanLog {
  private readonly lines: PlanLine[] = [];
  private readonly chunks: Uint16Array[] = [];

  /** @param width numbers of an action */
  constructor(private readonly width: number) {}

  add(step: number, { ms, parts, actions, kept, heads }: PlanRecord, note: PolicyNote | undefined): void {
    this.lines.push({
      step,
      ...(kept !== undefined && { kept }),
      rows: (actions?.length ?? 0) / this.width,
      ...(note?.compressed !== undefined && { compressed: note.compressed }),
      ms: tenths(ms),
      ...(parts && {
        prepareMs: tenths(parts.prepareMs),
        prefixMs: tenths(parts.prefixMs),
        denoiseMs: tenths(parts.denoiseMs),
      }),
      ...(heads?.success !== undefined && { success: thousandths(heads.success) }),
      ...(heads?.progress !== undefined && { progress: thousandths(heads.progress) }),
    });
    if (actions) this.chunks.push(toFloat16(actions));
  }

  /** Writes nothing when there was no plan. @param rollout the rollout's folder */
  async write(rollout: string): Promise<void> {
    if (this.lines.length === 0) return;
    await writeFile(join(rollout, 'plans.jsonl'), this.lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const bytes = Buffer.concat(this.chunks.map(({ buffer }) => Buffer.from(buffer)));
    if (bytes.length > 0) await writeFile(join(rollout, 'plans.bin'), gzipSync(bytes));
  }
}

const thousandths = (value: number): number => Math.round(1000 * value) / 1000;
const tenths = (ms: number): number => Math.round(10 * ms) / 10;

/** A rollout's plans; none in recordings of older versions and of policies without plans. */
export function readPlanLines(rollout: string): PlanLine[] {
  const path = join(rollout, 'plans.jsonl');
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as PlanLine);
}

/** The predicted actions of each plan, float32 [rows, width]; empty where they are not known. */
export function readPlanActions(rollout: string, lines: readonly PlanLine[], width: number): Float32Array[] {
  const path = join(rollout, 'plans.bin');
  const bytes = existsSync(path) ? gunzipSync(readFileSync(path)) : Buffer.alloc(0);
  const all = fromFloat16(new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)));
  let at = 0;
  return lines.map(({ rows }) => all.slice(at, (at += rows * width)));
}
