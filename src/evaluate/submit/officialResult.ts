import { z } from 'zod';
import { InputError, oneLine, parse } from '../../base/index.ts';
import { EDITIONS, type Year } from './edition.ts';

/** Infinite values are right where an agent did not move. */
const number = z.custom<number>((value) => typeof value === 'number', { error: 'expected a number' });
const metres = z.object({ base: number, left: number, right: number });

/** The official evaluator's record of one rollout; 2026 added the five that may be missing (docs/facts.md). */
const OfficialSchema = z.object({
  task: z.string().optional(),
  instance_id: z.int().optional(),
  rollout_id: z.int().optional(),
  steps: z.int().optional(),
  success: z.boolean().optional(),
  agent_distance: metres,
  normalized_agent_distance: metres,
  q_score: z.object({ final: number }),
  time: z.object({ simulator_steps: z.int(), simulator_time: number, normalized_time: number }),
});
export type OfficialRecord = z.infer<typeof OfficialSchema>;

/** The rollout that a file's name names. */
export interface OfficialName {
  readonly task: string;
  readonly instance: number;
  readonly rollout: number;
  /** Whether the name says the rollout; an older evaluator leaves it out, and it is then 0. */
  readonly whole: boolean;
}

/** `<task>_<instance>_<rollout>.json`; undefined for another name. */
export function officialName(file: string): OfficialName | undefined {
  const [, long, instance, rollout] = /^(.+)_(\d+)_(\d+)\.json$/.exec(file) ?? [];
  if (long !== undefined) return { task: long, instance: Number(instance), rollout: Number(rollout), whole: true };
  const [, task, only] = /^(.+)_(\d+)\.json$/.exec(file) ?? [];
  return task === undefined ? undefined : { task, instance: Number(only), rollout: 0, whole: false };
}

/** The year whose test sets have that instance: those of 2026 begin where those of 2025 end. */
export const yearOfInstance = (instance: number): Year =>
  instance > EDITIONS['2025'].instances.public[1] ? '2026' : '2025';

/**
 * Whose challenge a result is, as far as it tells by itself. The evaluator of 2026 adds fields; it was also used on the
 * instances of 2025 (`either`).
 */
export function yearOf({ instance, record }: { instance: number; record: OfficialRecord }): Year | 'either' {
  if (yearOfInstance(instance) === '2026') return '2026';
  return record.task === undefined && record.instance_id === undefined ? '2025' : 'either';
}

/**
 * Reads a record as Python writes it: infinite values are the word `Infinity`, and NaN is a word too.
 * @throws InputError for what is no such record
 */
export function parseOfficial(where: string, text: string): OfficialRecord {
  // Outside strings; 1e999 is JSON for infinity. NaN becomes null, which the schema refuses by the field's name.
  const json = text.replaceAll(/"(?:[^"\\]|\\.)*"|\bInfinity\b|\bNaN\b/g, (word) =>
    word === 'Infinity' ? '1e999' : word === 'NaN' ? 'null' : word,
  );
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new InputError(where, `is not valid JSON (${oneLine((error as Error).message)}).`);
  }
  return parse(where, OfficialSchema, value);
}
