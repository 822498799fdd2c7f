import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Program } from '../../test/support/killedEvaluation.ts';
import { Skip } from '../python.ts';

/** A real Redis with its data in a folder, written down at every command; it can be killed and started again. */
export class RedisServer {
  private program: Program | undefined;

  private constructor(
    private readonly executable: string,
    private readonly folder: string,
    private readonly port: number,
  ) {}

  /** @throws Skip on a machine without `redis-server` (on the path, or named by REDIS_SERVER) */
  static async start(folder: string): Promise<RedisServer> {
    const executable = process.env['REDIS_SERVER'] ?? 'redis-server';
    const { status } = spawnSync(executable, ['--version']);
    if (status !== 0) throw new Skip('no redis-server on the path (apt-get install redis-server), nor in REDIS_SERVER');
    const server = new RedisServer(executable, folder, await freePort());
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it with the data that it wrote, or without any. */
  async restart({ empty = false } = {}): Promise<void> {
    await this.kill();
    const persistence = ['--appendonly', empty ? 'no' : 'yes', '--appendfsync', 'always', '--save', ''];
    const place = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder];
    this.program = new Program(this.executable, [...place, ...persistence]);
    await this.ask((redis) => redis.ping());
    // From now on it writes its data again.
    if (empty) await this.ask((redis) => redis.config('SET', 'appendonly', 'yes'));
  }

  async kill(): Promise<void> {
    await this.program?.kill();
  }

  /** Whether somebody's connection of this name has done more than greet: then it waits for a Redis that is away. */
  async isUsedBy(name: string): Promise<boolean> {
    const clients = (await this.ask((redis) => redis.client('LIST'))) as string;
    const own = clients.split('\n').filter((line) => line.split(' ').includes(`name=${name}`));
    return own.some((line) => !/ cmd=(NULL|client|hello|auth|select|info|ping)\b/.test(line));
  }

  async ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.url, { maxRetriesPerRequest: 50, retryStrategy: () => 200 });
    redis.on('error', () => {});
    try {
      return await question(redis);
    } finally {
      redis.disconnect();
      await sleep(0);
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
