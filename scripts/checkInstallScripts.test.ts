import { expect, it } from 'vitest';
import { installScripts } from './checkInstallScripts.ts';

it('names each package of a lock file that has an install script, and its line', () => {
  const lock = {
    lockfileVersion: 3,
    packages: {
      '': { name: 'x' },
      'node_modules/quiet': { version: '1.0.0' },
      'node_modules/loud': { version: '1.0.0', hasInstallScript: true },
    },
  };
  const text = JSON.stringify(lock, null, 2);
  expect(installScripts({ path: 'package-lock.json', text })).toEqual([
    { path: 'package-lock.json', line: 10, text: expect.stringMatching(/^node_modules\/loud has an install script/) },
  ]);
});
