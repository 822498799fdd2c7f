import { parentPort } from 'node:worker_threads';
import { answerCalls } from '../../base/index.ts';
import { type CheckJob, checkJob, type FitJob, fitJob } from './job.ts';

/** Fits and checks vocabularies beside the terminal; sends `{ progress }` on the way. */
const report = (...progress: [string, number, number, string]) => parentPort?.postMessage({ id: -1, progress });

answerCalls({
  fit: (job: FitJob) => fitJob(job, report),
  check: (job: CheckJob) => checkJob(job, report),
});
