import { z } from 'zod';
import { InputError, readJson } from '../../base/index.ts';
import type { Year } from './edition.ts';
import { officialName, yearOfInstance } from './officialResult.ts';

/** Scores as somebody published them. */
export interface Published {
  readonly scores: readonly {
    readonly task: string;
    readonly instance: number;
    readonly rollout: number;
    readonly q: number;
  }[];
  readonly year: Year;
  readonly team?: string;
}

const share = z.number().min(0).max(1);
/** As papers publish them: a task's rollouts in order, without anything else. */
const ListsSchema = z.record(z.string(), z.array(share));
/** What the challenge's scoring script makes of a submission, and the leaderboard shows. */
const BoardSchema = z.object({
  team: z.string().optional(),
  per_rollout_scores: z.object({ q_score: z.record(z.string(), z.record(z.string(), share)) }),
});

/**
 * Reads a JSON file of published scores: a list for each task, or the output of the challenge's scoring script, whose
 * rollouts are called `<instance>_<rollout>`.
 * @throws InputError for another file, and for one without scores of rollouts
 */
export async function readPublished(path: string): Promise<Published> {
  const all = await readJson(path, z.record(z.string(), z.unknown()));
  if ('overall_scores' in all && !('per_rollout_scores' in all))
    throw new InputError(path, 'holds no per_rollout_scores, only what they come to. Run the scoring without -f.');
  const published = 'per_rollout_scores' in all ? await readBoard(path) : await readLists(path);
  if (published.scores.length === 0) throw new InputError(path, 'names no scores.');
  return published;
}

async function readLists(path: string): Promise<Published> {
  const lists = Object.entries(await readJson(path, ListsSchema));
  const scores = lists.flatMap(([task, own]) => own.map((q, instance) => ({ task, instance, rollout: 0, q })));
  return { scores, year: '2025' };
}

async function readBoard(path: string): Promise<Published> {
  const { team, per_rollout_scores: board } = await readJson(path, BoardSchema);
  const scores = Object.entries(board.q_score).flatMap(([task, own]) =>
    Object.entries(own).map(([name, q]) => {
      const named = officialName(`${task}_${name}.json`);
      if (!named) throw new InputError(path, `q_score.${task} has ${name} (expected <instance>_<rollout>).`);
      return { ...named, q };
    }),
  );
  const year = scores.some(({ instance }) => yearOfInstance(instance) === '2026') ? '2026' : '2025';
  return { scores, year, ...(team !== undefined && { team }) };
}
