import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LedgerLine, unitName } from '../ledger/index.ts';
import {
  type PlanLine,
  type RolloutScene,
  readPlanLines,
  readRolloutScene,
  readStepLines,
  readTrack,
  type StepLine,
} from '../rollouts/index.ts';
import { type MethodFacts, methodFacts } from './method.ts';
import { type CompactTrack, compactTrack } from './track.ts';

/** The recording of one rollout, as the page's player takes it. */
export interface PageRollout {
  readonly unit: string;
  readonly task: string;
  readonly instance: number;
  readonly q: number;
  readonly success: boolean;
  readonly steps: number;
  /** Control steps a second. */
  readonly rate: number;
  readonly goal: LedgerLine['goal'];
  readonly scene: Pick<RolloutScene['scene'], 'bodies' | 'moving' | 'geoms' | 'cameras'>;
  readonly colours: RolloutScene['colours'];
  readonly track: CompactTrack;
  /** Runs of one stage: [first step, stage]. */
  readonly stages: readonly (readonly [number, number])[];
  /** Runs of one true stage: [first step, stage]. */
  readonly truths: readonly (readonly [number, number])[];
  readonly plans: readonly number[];
  /** The stages that plans predicted, before the vote: [step, stage]. */
  readonly predicted: readonly (readonly [number, number])[];
  /** What the network's heads said at plans, where it has them: [step, 0…1]. */
  readonly heads?: Readonly<Partial<Record<'progress' | 'success', readonly (readonly [number, number])[]>>>;
  readonly method: MethodFacts;
  /** Rules that fired: [step, name, why]. */
  readonly rules: readonly (readonly [number, string, string])[];
  /** Changes of q: [step, q]. */
  readonly scores: readonly (readonly [number, number])[];
  /** What the cameras saw: head, left and right wrist side by side. */
  readonly pictures: readonly { readonly step: number; readonly uri: string }[];
}

/** A recording and the picture of the rollout's end. */
export interface ReadRollout {
  readonly rollout: PageRollout;
  readonly poster: string;
}

/** `rollouts/<unit>` as an address relative to the page. */
export const rolloutAddress = (unit: string): string => `rollouts/${encodeURIComponent(unit)}`;

/**
 * The recording of a ledger line.
 * @param inside whether pictures are data URIs (the default); otherwise they are addresses relative to the page
 * @throws when it is not there, or damaged
 */
export async function readRollout(folder: string, line: LedgerLine, inside = true): Promise<ReadRollout> {
  const unit = unitName(line);
  const at = join(folder, 'rollouts', unit);
  const description = readRolloutScene(at);
  const { bodies, moving, geoms, cameras, framesPerSecond: rate } = description.scene;
  const plans = readPlanLines(at);
  const track = await readTrack(at);
  const steps: readonly Omit<StepLine, 'action' | 'executed'>[] = readStepLines(at, withoutAction);
  const uri = async (name: string, type: string) =>
    inside
      ? `data:${type};base64,${readFileSync(join(at, name)).toString('base64')}`
      : `${rolloutAddress(unit)}/${name}`;
  const rollout: PageRollout = {
    unit,
    task: line.task,
    instance: line.instance,
    q: line.q,
    success: line.success,
    steps: line.steps,
    rate,
    goal: line.goal,
    scene: { bodies, moving, geoms, cameras },
    colours: description.colours,
    track: await compactTrack(track, moving.length),
    stages: changes(steps, (step) => step.stage),
    truths: changes(steps, (step) => step.truth),
    plans: steps.filter((step) => step.planned).map((step) => step.step),
    predicted: steps.flatMap(({ step, predicted }) =>
      predicted === undefined ? [] : [[step - 1, predicted] as const],
    ),
    ...headCurves(plans),
    method: methodFacts(steps, plans),
    rules: steps.flatMap(({ step, rule, reason = '' }) =>
      rule === undefined ? [] : [[step - 1, rule, reason] as const],
    ),
    scores: changes(steps, (step) => step.q),
    pictures: await Promise.all(
      description.pictures.map(async (step) => ({ step, uri: await uri(`frames/${step}.png`, 'image/png') })),
    ),
  };
  return { rollout, poster: await uri('poster.jpg', 'image/jpeg') };
}

/** What the heads said at each plan; nothing of a network without them. */
function headCurves(plans: readonly PlanLine[]): Pick<PageRollout, 'heads'> {
  const curve = (name: 'progress' | 'success') =>
    plans.flatMap((plan) => {
      const value = plan[name];
      return value === undefined ? [] : [[plan.step, value] as const];
    });
  const [progress, success] = [curve('progress'), curve('success')];
  if (progress.length + success.length === 0) return {};
  return { heads: { ...(progress.length > 0 && { progress }), ...(success.length > 0 && { success }) } };
}

/** A line of steps without its actions, which are most of it and which the page does not show: half the reading. */
function withoutAction(line: string): string {
  const [from, to] = [line.indexOf('"action":['), line.indexOf('],', line.indexOf('"action":['))];
  return from < 0 || to < 0 ? line : line.slice(0, from) + line.slice(to + 2);
}

/** Where a value changes: [step, new value]; steps without one only end a run. */
function changes<T, Step extends { readonly step: number }>(
  steps: readonly Step[],
  value: (step: Step) => T | undefined,
): [number, T][] {
  const runs: [number, T][] = [];
  let before: T | undefined;
  for (const step of steps) {
    const now = value(step);
    if (now !== undefined && now !== before) runs.push([step.step - 1, now]);
    before = now;
  }
  return runs;
}
