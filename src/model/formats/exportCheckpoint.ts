import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CorrelatedNoise, readNormStats } from '../../action/index.ts';
import {
  aside,
  InputError,
  jsonText,
  makeFolder,
  present,
  removeAbandoned,
  systemError,
  writeFileAside,
  writeFolderAside,
} from '../../base/index.ts';
import { robotRecord } from '../../robot/index.ts';
import { type StatisticsChoice, statisticsOrigin } from '../ownStatistics.ts';
import { findAssets } from './assets.ts';
import { configOf, policyOf } from './configOf.ts';
import { copyLeaves } from './copyLeaves.ts';
import type { CopyJob } from './copyTask.ts';
import { openpiSizeProblem } from './openpiSizes.ts';
import { openTree, refuseInt8, type StoredTree, weightsOf } from './openTree.ts';
import { CORRELATION, partOf, refuseLora } from './recognise.ts';
import { robotOfSource } from './robotOfSource.ts';
import { bytesOf, type StoredLeaf } from './storedLeaf.ts';
import type { StoredType } from './storedType.ts';
import { asOriginalTree } from './torchPi05.ts';
import { BESIDE, BESIDE_KEY, recordOf, valetConfig } from './valetBeside.ts';
import { copy, makeFile, requireSpace, reserveSafetensors, syncFile } from './writeTarget.ts';

export interface ExportOptions extends StatisticsChoice {
  readonly format: 'openpi' | 'safetensors';
  /** Type of the weights; as stored when left out. */
  readonly dtype?: 'float32' | 'bfloat16';
  /** As openpi, even when the original's loader can take only a part of the network. */
  readonly partial?: boolean;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly start?: (bytes: number) => void;
  readonly copied?: (bytes: number) => void;
}

export interface ExportReport {
  readonly leaves: number;
  readonly bytes: number;
  /** Leaves that the original's network does not have: its loader refuses a tree with them. */
  readonly foreign: readonly string[];
  /** Whether it was trained with the statistics that go along; null where that is not recorded. */
  readonly ownStatistics: boolean | null;
  /** Assets (statistics and vocabularies) that one file alone has no place for. */
  readonly leftOut: readonly string[];
}

/** numpy's names of the types, as zarr 2 spells them. */
const ZARR_TYPES: Partial<Record<StoredType, string>> = {
  float32: '<f4',
  bfloat16: 'bfloat16',
  float16: '<f2',
  float64: '<f8',
};

/**
 * Writes a checkpoint for other programs. `openpi`: a step folder as the original's trainer leaves it (`params` with
 * one folder per array, names with `params` before and `value` behind, the noise's Cholesky factor among them;
 * `assets`), which orbax and the original's loader open. `safetensors`: one file, in a folder with `assets` or alone.
 * With both goes what Valet knows of the network, so that an import gives the same checkpoint again. Written aside and
 * renamed.
 * @throws InputError that names what is wrong, such as parts that the original's network does not have
 */
export async function exportCheckpoint(source: string, out: string, options: ExportOptions): Promise<ExportReport> {
  if (existsSync(out)) throw new InputError(out, 'exists already. Choose another name or remove it first.');
  const tree = asOriginalTree(weightsOf(await openTree(source)));
  refuseInt8(tree, 'exported');
  refuseLora(tree, 'exported');
  const ownStatistics = await originOf(tree, options);
  const leaves = [...tree.leaves.values()].filter(({ name }) => name !== CORRELATION || options.format === 'openpi');
  const foreign = leaves.map(({ name }) => name).filter((name) => FOREIGN.test(name) || partOf(name) === 'other');
  if (foreign.length > 0 && options.format === 'openpi' && !options.partial)
    throw new InputError(
      source,
      `the original's network has no place for ${foreign.length} of its ${leaves.length} leaves (first ` +
        `${foreign[0]}), and its loader refuses them. Take --format safetensors; or --partial, for a program that ` +
        'picks what it knows.',
    );
  if (options.format === 'openpi' && !options.partial) await requireOpenpiSizes(tree, source);
  const typed = leaves.map((leaf) => ({
    leaf,
    dtype: leaf.name === CORRELATION ? leaf.dtype : (options.dtype ?? leaf.dtype),
  }));
  const bytes = typed.reduce((sum, { leaf, dtype }) => sum + bytesOf({ shape: leaf.shape, dtype }), 0);
  await removeAbandoned(out);
  await requireSpace(out, bytes);
  options.start?.(leaves.reduce((sum, leaf) => sum + bytesOf(leaf), 0));
  await (options.format === 'openpi' ? writeOpenpi(tree, typed, out, options) : writeOne(tree, typed, out, options));
  const alone = options.format === 'safetensors' && isOneFile(out);
  const leftOut = alone ? findAssets(tree.folder).map(({ id }) => id) : [];
  return { leaves: leaves.length, bytes, foreign, ownStatistics, leftOut };
}

/** Whether the statistics beside a network are its own. @throws InputError when they are not, unless let through */
async function originOf(tree: StoredTree, choice: StatisticsChoice): Promise<boolean | null> {
  const recorded = await recordOf(tree);
  const { assetId } = await policyOf(tree);
  const asset = findAssets(tree.folder).find(({ id }) => id === assetId);
  if (recorded === undefined || asset === undefined) return null;
  return (await statisticsOrigin(join(asset.folder, 'norm_stats.json'), recorded, choice)).own;
}

/** @throws InputError when openpi has no network of these sizes, and so nothing that could load the checkpoint */
async function requireOpenpiSizes(tree: StoredTree, source: string): Promise<void> {
  const problem = openpiSizeProblem(await configOf(tree));
  if (problem)
    throw new InputError(
      source,
      `openpi has no network of its sizes: ${problem}. Take --format safetensors; or --partial, for a program that ` +
        'builds the network itself.',
    );
}

/** Parts that exist in Valet alone. */
const FOREIGN = /^(auxiliary|state_mlp_)|^PaliGemma\/img\/stem\//;

const isOneFile = (out: string): boolean => out.endsWith('.safetensors');

type Typed = readonly { readonly leaf: StoredLeaf; readonly dtype: StoredType }[];

async function writeOne(tree: StoredTree, typed: Typed, out: string, options: ExportOptions): Promise<void> {
  const folder = isOneFile(out) ? undefined : out;
  const about = await aboutOf(tree);
  const write = async (file: string): Promise<void> => {
    const starts = await reserveSafetensors(
      file,
      typed.map(({ leaf: { name, shape }, dtype }) => ({ name, shape, dtype })),
      folder || !about ? {} : { [BESIDE_KEY]: JSON.stringify(about) },
    );
    await copyLeaves(
      typed.map(({ leaf, dtype }) => ({
        leaf,
        file,
        offset: present(starts.get(leaf.name), 'starts.get(leaf.name)'),
        dtype,
      })),
      options,
    );
    await syncFile(file);
  };
  if (folder)
    return writeFolderAside(folder, async (at) => {
      await write(join(at, 'model.safetensors'));
      await writeBeside(tree, at);
    });
  await makeFolder(dirname(out));
  const temporary = aside(out);
  try {
    await write(temporary);
    await rename(temporary, out);
  } catch (error) {
    await rm(temporary, { force: true });
    throw systemError(error, { where: out, inside: temporary }) ?? error;
  }
}

/** Statistics and vocabularies; and robot.json and valet.json, which other programs pass over and an import reads. */
async function writeBeside(tree: StoredTree, folder: string): Promise<void> {
  for (const asset of findAssets(tree.folder)) await copy(asset.folder, join(folder, 'assets', asset.id));
  const robot = await robotOfSource(tree, undefined);
  await writeFileAside(join(folder, 'robot.json'), jsonText(robotRecord(robot)));
  const about = await aboutOf(tree);
  if (about) await writeFileAside(join(folder, BESIDE), jsonText(about));
}

/** What Valet knows of a network of its own and no shape tells; undefined for a tree of another program. */
async function aboutOf(tree: StoredTree): Promise<Record<string, unknown> | undefined> {
  const own = await valetConfig(tree);
  const statistics = await recordOf(tree);
  return (
    own && {
      model: own.model,
      ...(own.robot !== undefined && { robot: own.robot }),
      policy: own.policy,
      ...(statistics !== undefined && { statistics }),
    }
  );
}

async function writeOpenpi(tree: StoredTree, typed: Typed, out: string, options: ExportOptions): Promise<void> {
  const factor = await noiseFactor(
    tree,
    findAssets(tree.folder).map(({ folder }) => folder),
  );
  await writeFolderAside(out, async (at) => {
    const params = join(at, 'params');
    await mkdir(params);
    const jobs: CopyJob[] = [];
    const entries: [string, unknown][] = [];
    const add = async (
      name: string,
      shape: readonly number[],
      dtype: StoredType,
      head: Uint8Array = new Uint8Array(0),
    ) => {
      const keys = ['params', ...name.split('/'), 'value'];
      const folder = join(params, keys.join('.'));
      const type = ZARR_TYPES[dtype];
      if (!type) throw new InputError(tree.path, `${name} is ${dtype}, which is not written for openpi.`);
      await mkdir(folder);
      const chunks = shape.map((n) => Math.max(n, 1));
      await writeFileAside(
        join(folder, '.zarray'),
        JSON.stringify({
          chunks,
          compressor: null,
          dimension_separator: '.',
          dtype: type,
          fill_value: null,
          filters: null,
          order: 'C',
          shape,
          zarr_format: 2,
        }),
      );
      entries.push([`(${keys.map((key) => `'${key}'`).join(', ')})`, metadataOf(keys, shape)]);
      const file = join(folder, shape.length === 0 ? '0' : shape.map(() => 0).join('.'));
      await makeFile(file, head, bytesOf({ shape, dtype }));
      return file;
    };
    for (const { leaf, dtype } of typed)
      jobs.push({ leaf, file: await add(leaf.name, leaf.shape, dtype), offset: 0, dtype });
    if (factor) await add(CORRELATION, [factor.size, factor.size], 'float32', new Uint8Array(factor.data.buffer));
    await copyLeaves(jobs, options);
    for (const { file } of jobs) await syncFile(file);
    await writeFileAside(
      join(params, '_METADATA'),
      JSON.stringify({
        tree_metadata: Object.fromEntries(entries.sort()),
        use_zarr3: false,
        store_array_data_equal_to_fill_value: true,
        custom_metadata: null,
      }),
    );
    await writeFileAside(
      join(at, '_CHECKPOINT_METADATA'),
      JSON.stringify({
        item_handlers: { params: 'orbax.checkpoint._src.handlers.pytree_checkpoint_handler.PyTreeCheckpointHandler' },
        metrics: {},
        performance_metrics: {},
        init_timestamp_nsecs: Date.now() * 1_000_000,
        commit_timestamp_nsecs: Date.now() * 1_000_000,
        custom_metadata: {},
      }),
    );
    await writeBeside(tree, at);
  });
}

/** What orbax notes of a leaf; every key is one of a dictionary. */
function metadataOf(keys: readonly string[], shape: readonly number[]): unknown {
  return {
    key_metadata: keys.map((key) => ({ key, key_type: 2 })),
    value_metadata: { value_type: 'jax.Array', skip_deserialize: false, write_shape: shape },
  };
}

/**
 * The factor L of the noise [H·W, H·W], which the original stores with the winner's network: from the statistics, else
 * the identity, with which it creates the network and which it replaces by the statistics' when it loads. Undefined
 * where the leaf is there or has no place.
 */
async function noiseFactor(
  tree: StoredTree,
  folders: readonly string[],
): Promise<{ size: number; data: Float32Array } | undefined> {
  if (tree.leaves.has(CORRELATION) || !tree.leaves.has('task_embeddings/embedding')) return undefined;
  const config = await configOf(tree);
  const size = config.actionHorizon * config.actionDim;
  const data = new Float32Array(size * size);
  for (let i = 0; i < size; i++) data[i * (size + 1)] = 1;
  for (const folder of folders) {
    // the original will say so, too
    const stats = await readNormStats(join(folder, 'norm_stats.json')).catch(() => undefined);
    if (!stats?.correlation || stats.horizon * stats.width !== size) continue;
    const noise = new CorrelatedNoise(stats, { beta: config.correlationBeta });
    for (let i = 0; i < size; i++) data[i * (size + 1)] = present(noise.diagonal[i], 'noise.diagonal[i]');
    const { active, factor } = noise;
    for (let i = 0; i < active.length; i++)
      for (let j = 0; j <= i; j++)
        data[present(active[i], 'active[i]') * size + present(active[j], 'active[j]')] = present(
          factor[i * active.length + j],
          'factor[i * active.length + j]',
        );
    break;
  }
  return { size, data };
}
