import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { present } from '../../src/base/index.ts';
import {
  configs,
  exportCheckpoint,
  importCheckpoint,
  initParameters,
  modelConfig,
  openTree,
  readLeaf,
  streamLeaf,
} from '../../src/model/index.ts';
import { type Parameters, readSafetensors, writeSafetensors } from '../../src/tensor/index.ts';
import type { Check } from '../check.ts';
import { PythonSide, python, Skip } from '../python.ts';

type Answer = { error?: string; leaves: number; values: boolean; dtypes: string[] };
type Report = (what: string, passed: boolean, detail?: string) => void;

/**
 * Fresh output of orbax read by Valet, and Valet's export read by orbax as openpi's loader does it; with the winner's
 * orbax and a newer one.
 */
export const check: Check = async (report) => {
  const script = fileURLToPath(new URL('orbax_side.py', import.meta.url));
  await withSide(await python(), script, report);
  let newer: string;
  try {
    newer = await python(fileURLToPath(new URL('.', import.meta.url)));
  } catch (error) {
    if (!(error instanceof Skip)) throw error;
    console.log(`the newer orbax is left out: ${error.message}`);
    return;
  }
  await withSide(newer, script, report);
};

async function withSide(executable: string, script: string, report: Report): Promise<void> {
  const side = new PythonSide(executable, script);
  const place = await mkdtemp(join(tmpdir(), 'valet-interop-'));
  try {
    const { orbax, jax, tensorstore } = await side.ask<Record<string, string>>({ do: 'versions' });
    const of = `orbax ${orbax}, jax ${jax}, tensorstore ${tensorstore}`;
    await freshOutput(side, place, report, of);
    await oddTrees(side, place, report, of);
    await deepDatabases(side, place, report, of);
    await exports(side, place, report, of);
  } finally {
    side.close();
    await rm(place, { recursive: true, force: true });
  }
}

async function freshOutput(side: PythonSide, place: string, report: Report, of: string): Promise<void> {
  let seed = 0;
  for (const dtype of ['float32', 'bfloat16', 'float16', 'mixed'])
    for (const use_ocdbt of [true, false])
      for (const use_zarr3 of [true, false])
        for (const chunk_byte_size of [null, 256, 4096]) {
          const [out, expected] = [join(place, `fresh-${++seed}`), join(place, `fresh-${seed}.safetensors`)];
          const request = {
            do: 'write',
            out,
            expected,
            seed,
            dtype,
            use_ocdbt,
            use_zarr3,
            chunk_byte_size,
            leaves: 13,
            value: seed % 2 === 0,
          };
          const answer = await side.ask<Answer>(request);
          const what = `${dtype}, ${layoutText(request)}`;
          const problem = answer.error ?? (await unequal(out, await readSafetensors(expected)));
          report(`Valet reads ${what}`, problem === undefined, problem ?? of);
          await rm(out, { recursive: true, force: true });
        }
}

interface Layout {
  readonly use_ocdbt: boolean;
  readonly use_zarr3: boolean;
  readonly chunk_byte_size: number | null;
}

const layoutText = ({ use_ocdbt, use_zarr3, chunk_byte_size }: Layout): string =>
  `${use_ocdbt ? 'OCDBT' : 'folders'}, zarr ${use_zarr3 ? 3 : 2}, ` +
  (chunk_byte_size ? `chunks of ${chunk_byte_size} bytes` : 'whole arrays');

interface RawArray {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly hex: string;
}

/** Trees of every element type, container and kind of name, compared byte by byte. */
async function oddTrees(side: PythonSide, place: string, report: Report, of: string): Promise<void> {
  let seed = 200;
  for (const use_ocdbt of [true, false])
    for (const use_zarr3 of [true, false])
      for (const chunk_byte_size of [null, 16, 100]) {
        const out = join(place, `odd-${++seed}`);
        const request = { do: 'odd', out, seed, use_ocdbt, use_zarr3, chunk_byte_size };
        const { error, arrays } = await side.ask<{ error?: string; arrays: Record<string, RawArray> }>(request);
        const what = layoutText(request);
        const problem = error ?? (await unequalBytes(out, arrays));
        report(`Valet reads every type and name, ${what}`, problem === undefined, problem ?? of);
        await rm(out, { recursive: true, force: true });
      }
}

async function unequalBytes(path: string, expected: Record<string, RawArray>): Promise<string | undefined> {
  try {
    const { leaves } = await openTree(path);
    if ([...leaves.keys()].sort().join() !== Object.keys(expected).sort().join())
      return `other names: ${[...leaves.keys()]}`;
    for (const [name, leaf] of leaves) {
      const { shape, dtype, hex } = present(expected[name], name);
      if (leaf.dtype !== dtype || String(leaf.shape) !== String(shape))
        return `${name} is ${leaf.dtype} [${leaf.shape}]`;
      const got = Buffer.alloc(hex.length / 2, 0xee);
      await streamLeaf(leaf, (offset, bytes) => got.set(bytes, offset));
      if (got.toString('hex') !== hex) return `${name} differs`;
    }
    return undefined;
  } catch (error) {
    return String((error as Error).message);
  }
}

async function deepDatabases(side: PythonSide, place: string, report: Report, of: string): Promise<void> {
  const compressors = [
    null,
    { id: 'zstd', level: 19 },
    { id: 'blosc', cname: 'lz4', clevel: 5, shuffle: 1 },
    { id: 'blosc', cname: 'zstd', clevel: 3, shuffle: 2 },
    { id: 'zlib', level: 4 },
  ];
  let seed = 100;
  for (const compressor of compressors)
    for (const plain of [false, true]) {
      const [out, expected] = [join(place, `deep-${++seed}`), join(place, `deep-${seed}.safetensors`)];
      const numbered = seed % 3 === 0;
      const request = {
        do: 'deep',
        out,
        expected,
        seed,
        compressor,
        plain,
        numbered,
        leaves: 40,
        node_bytes: 300 + 40 * (seed % 7),
        inline_bytes: seed % 2 ? 0 : 100,
      };
      const answer = await side.ask<Answer>(request);
      const problem = answer.error ?? (await unequal(out, await readSafetensors(expected)));
      report(
        `Valet reads a deep tree, nodes ${plain ? 'plain' : 'packed'}, ${numbered ? 'numbered manifests, ' : ''}` +
          (compressor ? Object.values(compressor).join(' ') : 'no compressor'),
        problem === undefined,
        problem ?? of,
      );
      await rm(out, { recursive: true, force: true });
    }
}

async function exports(side: PythonSide, place: string, report: Report, of: string): Promise<void> {
  const config = modelConfig({ ...configs.dummy, taskNumStages: [3, 4] });
  const parameters = initParameters(config, 'interop');
  const source = join(place, 'source.safetensors');
  await writeSafetensors(source, parameters);
  await importCheckpoint(source, join(place, 'valet'), { config: { taskNumStages: [3, 4] } });
  for (const dtype of ['float32', 'bfloat16'] as const) {
    const [out, expected] = [join(place, `export-${dtype}`), join(place, `export-${dtype}.safetensors`)];
    await exportCheckpoint(join(place, 'valet'), out, { format: 'openpi', dtype, partial: true });
    const answer = await side.ask<Answer>({ do: 'read', path: join(out, 'params'), expected });
    let problem = answer.error;
    if (!problem) {
      const got = await readSafetensors(expected);
      got.delete('action_correlation_cholesky');
      problem =
        (await unequal(out, await readSafetensors(expected))) ??
        (got.size === parameters.size ? undefined : `${got.size} leaves`);
      if (dtype === 'float32') problem ??= await unequal(join(place, 'valet'), got);
    }
    report(
      `orbax reads Valet's export, ${dtype}`,
      problem === undefined && answer.values,
      problem ?? `${answer.leaves} leaves, ${of}`,
    );
  }
}

/** What differs between a checkpoint as Valet reads it and arrays in float32; undefined when nothing does. */
async function unequal(path: string, expected: Parameters): Promise<string | undefined> {
  try {
    const { leaves } = await openTree(path);
    if ([...leaves.keys()].sort().join() !== [...expected.keys()].sort().join())
      return `other names: ${[...leaves.keys()].slice(0, 3)}`;
    for (const [name, leaf] of leaves) {
      const [got, wanted] = [await readLeaf(leaf), present(expected.get(name), name)];
      const raw = (data: typeof got.data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      if (String(got.shape) !== String(wanted.shape) || Buffer.compare(raw(got.data), raw(wanted.data)) !== 0)
        return `${name} differs`;
    }
    return undefined;
  } catch (error) {
    return String((error as Error).message);
  }
}
