import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { arch, availableParallelism, cpus, platform } from 'node:os';
import { packageVersion } from './packageRoot.ts';

/** What the processor is, and which of the instructions that matter for matrix products it has. */
export interface Processor {
  readonly name: string;
  readonly cores: number;
  /** null where the system does not say (anything but Linux). */
  readonly features: Readonly<Record<'avx2' | 'avx512' | 'vnni' | 'amx', boolean>> | null;
}

export function processor(): Processor {
  const flags = readText('/proc/cpuinfo')?.match(/^flags\s*:(.*)$/m)?.[1];
  const has = (...names: string[]) => names.some((name) => ` ${flags} `.includes(` ${name} `));
  return {
    name: `${cpus()[0]?.model.trim() ?? arch()} (${platform()} ${arch()})`,
    cores: availableParallelism(),
    features:
      flags === undefined
        ? null
        : { avx2: has('avx2'), avx512: has('avx512f'), vnni: has('avx512_vnni', 'avx_vnni'), amx: has('amx_int8') },
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Versions of what numbers depend on. */
export function softwareVersions(): Record<'valet' | 'node' | 'onnxruntime', string> {
  const require = createRequire(import.meta.url);
  const { version } = require('onnxruntime-node/package.json') as { version: string };
  return { valet: packageVersion(), node: process.version.slice(1), onnxruntime: version };
}

/** Whether a server can listen on the port of this machine. */
export function portFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
