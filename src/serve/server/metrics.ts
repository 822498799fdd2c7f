import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PlanTiming } from '../../robot/index.ts';

/** What the server counts, for /metrics; one registry per server. */
export class Metrics {
  readonly registry = new Registry();
  private readonly registers = [this.registry];
  private gauge = (name: string, help: string) => new Gauge({ name, help, registers: this.registers });
  private counter = (name: string, help: string) => new Counter({ name, help, registers: this.registers });
  private counterBy = <L extends string>(label: L, name: string, help: string) =>
    new Counter<L>({ name, help, labelNames: [label], registers: this.registers });

  readonly connections = this.gauge('valet_connections', 'Connections now');
  readonly sessionsKept = this.gauge('valet_sessions_kept', 'Sessions of lost connections that may be resumed');
  readonly queued = this.gauge('valet_plans_waiting', 'Plans that wait for a worker');
  readonly checkpoints = this.gauge('valet_checkpoints', 'Checkpoints in memory');
  readonly checkpointBytes = this.gauge('valet_checkpoint_bytes', 'Estimated memory of the checkpoints');
  readonly ready = this.gauge('valet_ready', '1 when plans can be made');

  readonly connectionsTotal = this.counter('valet_connections_total', 'Robots that ever connected');
  readonly resumed = this.counter('valet_sessions_resumed_total', 'Sessions that went on over a new connection');
  readonly observations = this.counter('valet_observations_total', 'Observations answered');
  readonly resets = this.counter('valet_resets_total', 'Resets');
  readonly receivedBytes = this.counter('valet_received_bytes_total', 'Bytes of messages received');
  readonly sentBytes = this.counter('valet_sent_bytes_total', 'Bytes of messages sent');
  readonly stageChanges = this.counter('valet_stage_changes_total', 'Changes of the stage that a robot is in');
  readonly pauses = this.counter(
    'valet_pauses_total',
    'Times that a client was slowed because it sent faster than it was served',
  );
  readonly refused = this.counterBy('reason', 'valet_refused_total', 'Connections refused, by reason');
  readonly ended = this.counterBy(
    'reason',
    'valet_ended_total',
    'Connections that the server ended without an error, by reason',
  );
  readonly errors = this.counterBy('kind', 'valet_errors_total', 'Messages that ended in an error, by kind');
  readonly unsafe = this.counterBy(
    'what',
    'valet_unsafe_total',
    'Plans or actions that were not finite, answered with the last safe action',
  );
  readonly recordingLost = this.counterBy(
    'what',
    'valet_recording_lost_total',
    'What could not be recorded: a message, the rest of a file, all from then on',
  );
  readonly black = this.counterBy(
    'camera',
    'valet_black_pictures_total',
    'Pictures that were suddenly all black, and replaced by the last good one, by camera',
  );
  readonly frozen = this.counterBy(
    'camera',
    'valet_frozen_pictures_total',
    'Pictures of a camera that stood still while the robot moved, by camera',
  );
  readonly rules = this.counterBy('rule', 'valet_rule_firings_total', 'Rules of System 2 that fired, by name');
  readonly restarts = this.counterBy('why', 'valet_worker_restarts_total', 'Planning workers started again, by reason');
  readonly loads = this.counterBy(
    'how',
    'valet_checkpoint_loads_total',
    'Checkpoints loaded: first, again (changed), failed',
  );
  readonly ahead = this.counterBy(
    'outcome',
    'valet_plans_ahead_total',
    'Plans begun before they were needed, by what became of them',
  );

  readonly replySeconds = new Histogram({
    name: 'valet_reply_seconds',
    help: 'From a message to its reply, by whether a plan was made',
    labelNames: ['planned'] as const,
    buckets: [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers: this.registers,
  });
  readonly planSeconds = new Histogram({
    name: 'valet_plan_seconds',
    help: 'One plan by part: queue (waiting), prepare (pictures, noise), prefix, denoise, all of it (total)',
    labelNames: ['part'] as const,
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
    registers: this.registers,
  });
  readonly batchSize = new Histogram({
    name: 'valet_batch_size',
    help: 'Robots that shared a pass',
    buckets: [1, 2, 3, 4, 6, 8, 12, 16, 24, 32],
    registers: this.registers,
  });
  readonly memory = new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process',
    registers: this.registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });

  pass({ size, waitedMs }: { readonly size: number; readonly waitedMs: readonly number[] }): void {
    this.batchSize.observe(size);
    for (const ms of waitedMs) this.planSeconds.observe({ part: 'queue' }, ms / 1000);
  }

  timed({ prepareMs, prefixMs, denoiseMs }: PlanTiming): void {
    this.planSeconds.observe({ part: 'prepare' }, prepareMs / 1000);
    this.planSeconds.observe({ part: 'prefix' }, prefixMs / 1000);
    this.planSeconds.observe({ part: 'denoise' }, denoiseMs / 1000);
  }
}
