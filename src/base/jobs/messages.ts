import { z } from 'zod';
import { InputError } from '../errors.ts';
import { type SentError, sentError } from '../workerMessages.ts';

/** Where Valet's keys stand in a Redis; BullMQ's of a run are `valet:RUN:…`. */
export const PREFIX = 'valet';
/** Names of the runs that somebody announced, a set. */
export const RUNS = `${PREFIX}:runs`;
/** A run's announcement as JSON; it expires when nobody renews it. */
export const announcementKey = (run: string): string => `${PREFIX}:announced:${run}`;
/** What stands in its place when a run has ended. */
export const OVER = 'over';
/** Announcements live so long without their coordinator: it may come back and go on. */
export const ANNOUNCED_SECONDS = 24 * 3600;
/** How long workers that were away can learn that a run has ended. */
export const OVER_SECONDS = 60;

/** What a run's jobs have in common: who can do them, and with which settings. */
export interface Announcement {
  readonly run: string;
  /** Which handler does them. */
  readonly kind: string;
  /** Plain data for that handler. */
  readonly settings: unknown;
}

const AnnouncementSchema = z.object({ run: z.string(), kind: z.string(), settings: z.unknown() });

/** @returns undefined for what is no announcement */
export function parseAnnouncement(text: string): Announcement | undefined {
  try {
    return AnnouncementSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** What a job holds in Redis. */
export interface JobData {
  readonly argument: unknown;
}

/** What it comes to: a value, or the error of whoever did it. */
export type JobOutcome = { readonly value: unknown } | { readonly error: SentError };

const SentErrorSchema = z.object({
  name: z.string(),
  message: z.string(),
  where: z.string().optional(),
  kind: z.enum(['input', 'failure', 'interrupted']).optional(),
});
const JobOutcomeSchema = z.union([z.object({ error: SentErrorSchema }), z.object({ value: z.unknown() })]);

/** @throws InputError when a worker answered something else */
export function parseOutcome(job: string, value: unknown): JobOutcome {
  const parsed = JobOutcomeSchema.safeParse(value);
  if (parsed.success) return parsed.data as JobOutcome;
  throw new InputError(`job ${job}`, 'its result is not of the form that workers give. Use one version of Valet.');
}

/** An error as a job's outcome; where it happened in the program is nobody's business elsewhere. */
export function failed(error: unknown): JobOutcome {
  const { stack: _, system: __, ...sent } = sentError(error);
  return { error: sent };
}
