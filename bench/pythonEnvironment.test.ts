import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NoPython, pythonWith } from './pythonEnvironment.ts';

/** Programs that stand for Python: `version` is what they say, `pip` what installing does. */
function fakePython(folder: string, name: string, version: string, pip: string): void {
  const path = join(folder, name);
  const script = `#!/bin/sh
case "$*" in
  *version_info*) echo ${version};;
  "-m venv"*) for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python"; echo venv >> ${folder}/log;;
  *"pip install"*) echo pip >> ${folder}/log; ${pip};;
esac
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
}

describe.skipIf(process.platform === 'win32')('pythonWith', () => {
  let folder = '';
  let requirements = '';
  const said: string[] = [];
  const get = () => pythonWith(requirements, (line) => said.push(line));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'valet-python-'));
    mkdirSync(join(folder, 'set'));
    requirements = join(folder, 'set', 'few.txt');
    writeFileSync(requirements, 'one==1.0\ntwo==2.0\n');
    vi.stubEnv('PATH', `${folder}:/usr/bin:/bin`);
    said.length = 0;
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  it('makes an environment once, says so, and makes it again for other requirements', async () => {
    fakePython(folder, 'python3', '3.11', 'true');
    expect(await get()).toBe(join(folder, 'set/.venv/few/bin/python'));
    await get();
    expect(said).toEqual([`installing one==1.0, two==2.0 into ${join(folder, 'set/.venv/few')}`]);
    writeFileSync(requirements, 'one==1.1\n');
    await get();
    expect(said).toHaveLength(2);
  });

  it('takes the next name where the first has the wrong version, and tells what is there where none fits', async () => {
    fakePython(folder, 'python3', '3.14', 'true');
    for (const name of ['python', 'python3.12', 'python3.11', 'python3.10']) fakePython(folder, name, '2.7', 'true');
    await expect(get()).rejects.toThrow(
      /no fitting Python \(python3 is 3\.14, python is 2\.7, .*expected 3\.10 to 3\.12/,
    );
    fakePython(folder, 'python3.12', '3.12', 'true');
    await get();
  });

  it('says what pip says when there is no package index, and tries again the next time', async () => {
    fakePython(folder, 'python3', '3.11', 'echo "ERROR: No matching distribution found for one==1.0" >&2; exit 1');
    await expect(get()).rejects.toThrow(
      /cannot be installed; pip needs a package index \(ERROR: No matching distribution found for one==1\.0\)/,
    );
    await expect(get()).rejects.toThrow(NoPython);
    expect(existsSync(join(folder, 'set/.venv/few/requirements.sha256'))).toBe(false);
  });
});
