/** What the server bears. Every one is an option of `valet serve`; docs/serving.md says why they are what they are. */
export interface ServerLimits {
  readonly maxConnections: number;
  /** New connections a second; those beyond are refused. */
  readonly maxConnectionsPerSecond: number;
  /** Bytes of one message. With full resolution, depth and segmentation a robot's observation is about 13 MB. */
  readonly maxMessageBytes: number;
  /** Values in one message, whatever they hold; real observations have about 40. */
  readonly maxValues: number;
  readonly maxDepth: number;
  /** Bytes of one array, of a JPEG picture as pixels too. */
  readonly maxArrayBytes: number;
  /** Messages a second of one connection; a faster client is slowed. */
  readonly maxMessagesPerSecond: number;
  /** Messages and bytes of one connection that may wait before its socket is read no further. */
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
  /** The official client gives a query 600 s. */
  readonly planTimeoutMs: number;
  /** A connection without a message for so long ends. */
  readonly idleMs: number;
  /** How long the session of a lost connection waits for its client. */
  readonly resumeMs: number;
  /** How long closing waits for replies under way. */
  readonly closeMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  maxConnections: 256,
  maxConnectionsPerSecond: 100,
  maxMessageBytes: 256 << 20,
  maxValues: 10_000,
  maxDepth: 32,
  maxArrayBytes: 128 << 20,
  maxMessagesPerSecond: 10_000,
  maxQueuedMessages: 4,
  maxQueuedBytes: 16 << 20,
  planTimeoutMs: 300_000,
  idleMs: 3_600_000,
  resumeMs: 600_000,
  closeMs: 10_000,
};
