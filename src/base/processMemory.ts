import { readFileSync } from 'node:fs';

/** Bytes of memory that this process holds. */
export interface ProcessMemory {
  /** What is resident now, and the most that ever was. */
  readonly resident: number;
  readonly peak: number;
  /** Of what is resident now: its own, and pages of files, which the system may take back. Where the system says so. */
  readonly own?: number;
  readonly files?: number;
}

export function processMemory(status = '/proc/self/status'): ProcessMemory {
  const text = readText(status);
  const bytes = (key: string) => {
    const kilobytes = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  };
  const [own, files] = [bytes('RssAnon'), bytes('RssFile')];
  return {
    resident: bytes('VmRSS') ?? process.memoryUsage.rss(),
    peak: bytes('VmHWM') ?? process.resourceUsage().maxRSS * 1024,
    ...(own !== undefined && { own }),
    ...(files !== undefined && { files }),
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
