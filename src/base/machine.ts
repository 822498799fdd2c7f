import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * Bytes of memory: the machine's, what is free of it, what the process's control groups allow; `usable` is the least
 * that holds.
 */
export interface Memory {
  readonly total: number;
  readonly available: number;
  /** The smallest limit of the control groups above this process; null without one. */
  readonly limit: number | null;
  readonly usable: number;
}

/**
 * Memory as this process may use it now (control groups of version 1 and 2, containers). `root` is where the system's
 * files are.
 */
export function machineMemory(root = '/'): Memory {
  const read = (path: string) => readText(join(root, path));
  const info = (key: string) => {
    const kilobytes = read('proc/meminfo')?.match(new RegExp(`^${key}:\\s+(\\d+)`, 'm'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  };
  const total = info('MemTotal') ?? totalmem();
  const available = info('MemAvailable') ?? freemem();
  const groups = controlGroups(read('proc/self/cgroup') ?? '').flatMap((folder) => group(read, folder) ?? []);
  // Without a limit version 1 of control groups says about 2^63.
  const bounded = groups.filter((one) => one.limit < total);
  const limit = bounded.length > 0 ? Math.min(...bounded.map((one) => one.limit)) : null;
  const rooms = bounded.map((one) => Math.max(0, one.limit - one.used));
  return { total, available, limit, usable: Math.min(available, ...rooms) };
}

/**
 * The folders of this process's memory groups, its own and those above. A container sees its own group as the topmost.
 */
function controlGroups(own: string): string[] {
  const out = new Set<string>(['sys/fs/cgroup', 'sys/fs/cgroup/memory']);
  for (const [, controllers = '', path = '/'] of own.matchAll(/^\d+:([^:]*):(\/.*)$/gm)) {
    const base = controllers === '' ? 'sys/fs/cgroup' : 'sys/fs/cgroup/memory';
    if (controllers !== '' && !controllers.split(',').includes('memory')) continue;
    for (let at = path; at !== '/'; at = dirname(at)) out.add(join(base, at));
  }
  return [...out];
}

/** A group's limit, and what of it is taken for good: pages of files that were not used lately make room. */
function group(
  read: (path: string) => string | undefined,
  folder: string,
): { limit: number; used: number } | undefined {
  const number = (...names: string[]) => {
    const text = names.map((name) => read(join(folder, name))?.trim()).find((found) => found !== undefined);
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  };
  const limit = number('memory.max', 'memory.limit_in_bytes');
  if (limit === undefined) return undefined;
  const statistics = read(join(folder, 'memory.stat')) ?? '';
  const pages = (/^total_inactive_file (\d+)/m.exec(statistics) ?? /^inactive_file (\d+)/m.exec(statistics))?.[1];
  const used = number('memory.current', 'memory.usage_in_bytes') ?? 0;
  return { limit, used: Math.max(0, used - Number(pages ?? 0)) };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
