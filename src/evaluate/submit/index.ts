export { EDITIONS, type Year } from './edition.ts';
export { ingestOfficial } from './ingest.ts';
export { type JudgedFolder, judgeOfficial } from './judgeOfficial.ts';
export { ranking } from './leaderboard.ts';
export { requireOfficial } from './requireOfficial.ts';
export { runNotes } from './runNotes.ts';
export type { SubmissionName } from './submissionName.ts';
export { leaderboardTable, rankingTable } from './tables.ts';
export { writeSubmission } from './writeSubmission.ts';
