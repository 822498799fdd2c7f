import { expect, it } from 'vitest';
import { codeVersion, sourceCommit } from './codeVersion.ts';
import { packageVersion } from './packageRoot.ts';

it('names the version and the commit of the sources', () => {
  const { version, commit } = codeVersion();
  expect(version).toBe(packageVersion());
  expect(commit).toMatch(/^([0-9a-f]{40}(-dirty)?|unknown)$/);
  expect(sourceCommit()).toBe(commit);
});
