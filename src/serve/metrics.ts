import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the server counts, for /metrics; one registry per server. */
export class Metrics {
  readonly registry = new Registry();
  private readonly registers = [this.registry];
  readonly connections = new Gauge({
    name: 'valet_connections',
    help: 'Robots connected now',
    registers: this.registers,
  });
  readonly connectionsTotal = new Counter({
    name: 'valet_connections_total',
    help: 'Robots that ever connected',
    registers: this.registers,
  });
  readonly refused = new Counter({
    name: 'valet_refused_total',
    help: 'Connections refused, by reason',
    labelNames: ['reason'] as const,
    registers: this.registers,
  });
  readonly observations = new Counter({
    name: 'valet_observations_total',
    help: 'Observations answered',
    registers: this.registers,
  });
  readonly resets = new Counter({ name: 'valet_resets_total', help: 'Resets', registers: this.registers });
  readonly errors = new Counter({
    name: 'valet_errors_total',
    help: 'Messages that ended in an error, by kind',
    labelNames: ['kind'] as const,
    registers: this.registers,
  });
  readonly receivedBytes = new Counter({
    name: 'valet_received_bytes_total',
    help: 'Bytes of messages received',
    registers: this.registers,
  });
  readonly replySeconds = new Histogram({
    name: 'valet_reply_seconds',
    help: 'From a message to its reply',
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers: this.registers,
  });
  readonly planSeconds = new Histogram({
    name: 'valet_plan_seconds',
    help: 'One plan, waiting included',
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
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
}
