export { runAudit } from './runAudit.ts';
