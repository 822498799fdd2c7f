import { answerCalls } from '../../base/index.ts';
import { copyTask } from './copyTask.ts';

answerCalls({ copy: copyTask });
