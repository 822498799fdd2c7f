// Plain JavaScript in the folder that the package was installed in: its entries are one library, and its workers start.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = dirname(fileURLToPath(import.meta.resolve('valet-vla/package.json')));
const { exports, name, version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
const paths = Object.keys(exports).filter((path) => path !== './package.json');
const entries = new Map();
for (const path of paths) entries.set(path, await import(path.replace('.', name)));

// The same name is the same thing, whichever entry it came through.
const first = new Map();
for (const [path, entry] of entries)
  for (const [key, value] of Object.entries(entry)) {
    const seen = first.get(key) ?? { path, value };
    first.set(key, seen);
    assert.ok(seen.value === value, `${key} of ${path} is not that of ${seen.path}`);
  }

const { InputError, ValetError, WorkerClient, packageVersion } = entries.get('./base');
const { PlannerClient, checkpointFolder, readCheckpoint } = entries.get('./model');
assert.equal(packageVersion(), version);
assert.equal(checkpointFolder('household'), join(home, 'policies', 'household'));
assert.equal(process.env.ORT_DISABLE_TELEMETRY, '1', 'the runtime was not told to send nothing');
await assert.rejects(readCheckpoint('/nowhere'), InputError);
await assert.rejects(
  PlannerClient.start('/nowhere'),
  (error) => error instanceof ValetError && error.kind === 'input', // it came from a worker
);

const workers = readdirSync(join(home, 'dist', 'workers')).filter((file) => file.endsWith('.js'));
assert.ok(workers.length >= 8, `only ${workers.length} workers`);
for (const file of workers) {
  const worker = WorkerClient.start(file.replace(/\.js$/, ''), {});
  await assert.rejects(worker.call('no such method'), /no method no such method/, file);
  await worker.close();
}
console.log(`${paths.length} entries, ${first.size} names, ${workers.length} workers`);
