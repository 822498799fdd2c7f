/** Does `work`, and prints how long it took; what a failed program printed is told. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work().catch((error: Error & { stdout?: string; stderr?: string }) => {
    process.stderr.write(`${what}: failed\n${error.stdout ?? ''}${error.stderr ?? ''}${error.message}\n`);
    throw error;
  });
  process.stdout.write(`${what} (${((performance.now() - begun) / 1000).toFixed(1)} s)\n`);
  return result;
}
