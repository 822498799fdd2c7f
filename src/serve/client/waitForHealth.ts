import { ValetError } from '../../base/index.ts';

/** Between two looks at /healthz. The official client waits 5 s; on one machine that is long. */
const POLL_MS = 250;

/** Waits until a server's /healthz says that it is ready. @throws ValetError when it does not in time */
export async function waitForHealth(url: string, timeoutMs: number): Promise<void> {
  const health = new URL('/healthz', url.replace(/^ws/, 'http'));
  const end = performance.now() + timeoutMs;
  let last = 'no answer';
  for (;;) {
    const left = end - performance.now();
    if (left <= 0) throw new ValetError(url, `the server is not ready after ${timeoutMs} ms (${last}). Is it running?`);
    try {
      const response = await fetch(health, { signal: AbortSignal.timeout(Math.ceil(Math.min(left, 10_000))) });
      await response.arrayBuffer();
      if (response.status === 200) return;
      last = `status ${response.status}`;
    } catch (error) {
      last = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (error as Error).message;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
