import { ValetError } from '../../base/index.ts';

/** Planning failed, as against a message that was wrong; the client learns no more than that. */
export class PlanError extends ValetError {
  override name = 'PlanError';
}
