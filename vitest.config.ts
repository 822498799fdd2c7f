import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
    globalSetup: 'test/support/buildWorkers.ts',
    pool: 'forks',
    maxWorkers: 2,
    // A guard against what hangs: CI's slow cores are shared, and a test of seconds may take a minute there.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
