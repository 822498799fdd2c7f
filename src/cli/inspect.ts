import { join } from 'node:path';
import { Command } from 'commander';
import { InputError, nearest } from '../base/index.ts';
import {
  asOriginalTree,
  bytesOf,
  CORRELATION,
  configOf as configOfTree,
  countParts,
  difference,
  elementsOf,
  findAssets,
  type Layout,
  layoutOf,
  leafStatistics,
  type ModelConfig,
  openTree,
  planImport,
  robotOfSource,
  type StoredLeaf,
  type StoredTree,
  weightsOf,
} from '../model/index.ts';
import { chosenCheckpoint } from './shared/chosenCheckpoint.ts';

export function command(): Command {
  return new Command('inspect')
    .description('what a checkpoint holds: tree, shapes, types, counts, layout, what is missing or extra')
    .argument('<path>', 'orbax step or params folder, safetensors file or index, Valet checkpoint (or household)')
    .option('--leaf <name...>', 'statistics of leaves: min, max, mean, NaN count')
    .option('--json', 'print one JSON object on stdout', false)
    .addHelpText('after', '\nExample:\n  $ valet inspect policies/household')
    .action(run);
}

const LAYOUTS: Record<Layout, string> = {
  valet: 'a Valet checkpoint',
  winner: "the winner's network (PiBehavior)",
  pi05: 'openpi π0.5',
  pi0: 'openpi π0',
  'lerobot-pi05': "LeRobot's π0.5 (pi05)",
  'openpi-pytorch': "openpi's PyTorch form of π0.5",
  foreign: 'another network',
  unknown: 'no known layout',
};

interface Summary {
  readonly layout: Layout;
  readonly container: string;
  /** The subtree that holds a training state's weights; null where the tree is nothing but weights. */
  readonly weights: string | null;
  readonly path: string;
  /** Of the weights alone, without a training state's other numbers and an int8 checkpoint's scales. */
  readonly parameters: number;
  readonly bytes: number;
  readonly parts: Partial<Record<string, number>>;
  readonly leaves: readonly { readonly name: string; readonly shape: readonly number[]; readonly dtype: string }[];
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  /** The nearest name on the other side, where there is one. */
  readonly nearest: Readonly<Record<string, string>>;
  /** The robot that it drives, as far as it can be told. */
  readonly robot: string | null;
  /** Tasks, and stages of all of them. */
  readonly tasks: number | null;
  readonly stages: number | null;
  readonly config: ModelConfig | null;
  /** Why no configuration could be told. */
  readonly problem: string | null;
  readonly statistics?: Readonly<Record<string, unknown>>;
}

async function run(path: string, { leaf: names = [], json }: { leaf?: string[]; json: boolean }): Promise<void> {
  const tree = await openTree(await chosenCheckpoint(path));
  const wanted = names.map((name) => find(tree, name));
  const summary = await summarise(tree);
  const statistics: Record<string, unknown> = {};
  for (const leaf of wanted) statistics[leaf.name] = await leafStatistics(leaf);
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...summary, ...(names.length > 0 && { statistics }) })}\n`);
    return;
  }
  if (names.length === 0) print(summary);
  for (const leaf of wanted) {
    process.stdout.write(`${leaf.name} ${leaf.dtype} [${leaf.shape.join(', ')}]\n`);
    for (const [key, value] of Object.entries(statistics[leaf.name] as object))
      process.stdout.write(`  ${key}: ${value}\n`);
  }
}

function find(tree: StoredTree, name: string): StoredLeaf {
  const found = tree.leaves.get(name);
  if (found) return found;
  const near = nearest(name, tree.leaves.keys());
  throw new InputError(tree.path, `holds no leaf ${name}.${near ? ` Did you mean ${near}?` : ''}`);
}

async function summarise(whole: StoredTree): Promise<Summary> {
  const stored = weightsOf(whole);
  const layout = layoutOf(stored);
  const leaves = [...whole.leaves.values()].map(({ name, shape, dtype }) => ({ name, shape, dtype }));
  let config: ModelConfig | null = null;
  let problem: string | null = null;
  const between: { missing: string[]; extra: string[]; nearest: Record<string, string> } = {
    missing: [],
    extra: [],
    nearest: {},
  };
  let tree: ReturnType<typeof weightsOf> = stored;
  try {
    tree = { ...stored, ...asOriginalTree(stored) };
    config = await configOfTree(tree);
    const base = layoutOf(tree) === 'pi05' ? new Set(planImport(tree, config).fresh) : undefined;
    const { missing, extra, wrong } = difference(tree.leaves, config, (name) => !base?.has(name));
    for (const { name, nearest: near } of [...missing, ...extra]) if (near) between.nearest[name] = near;
    between.missing.push(...missing.map(({ name }) => name));
    between.extra.push(...extra.map(({ name }) => name));
    if (wrong[0])
      problem = `${wrong[0].name} is [${wrong[0].shape.join(', ')}] (expected [${wrong[0].expected.join(', ')}])`;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    problem = error.message;
  }
  const own = [...tree.leaves].filter(([name]) => name !== CORRELATION && !name.endsWith('#scale'));
  return {
    layout,
    container: tree.container,
    weights: tree.weights ?? null,
    path: tree.path,
    parameters: own.reduce((sum, [, { shape }]) => sum + elementsOf(shape), 0),
    bytes: leaves.reduce((sum, leaf) => sum + bytesOf(leaf), 0),
    parts: countParts(new Map(own)),
    leaves,
    ...between,
    robot: await robotNameOf(tree),
    tasks: config?.taskNumStages.length ?? null,
    stages: config?.taskNumStages.reduce((sum, n) => sum + n, 0) ?? null,
    config,
    problem,
  };
}

/** null where it cannot be told without the user. */
async function robotNameOf(tree: StoredTree): Promise<string | null> {
  const [asset, ...others] = findAssets(tree.folder);
  const folder = others.length === 0 ? asset?.folder : undefined;
  try {
    return (await robotOfSource(tree, folder, folder && join(folder, 'norm_stats.json'))).name;
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

function print(summary: Summary): void {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const { leaves } = summary;
  const longest = (texts: readonly string[]): number => texts.reduce((most, { length }) => Math.max(most, length), 0);
  const width = Math.min(78, longest(leaves.map(({ name }) => name)));
  const shapes = longest(leaves.map(({ shape }) => `[${shape.join(', ')}]`));
  for (const { name, shape, dtype } of leaves)
    say(
      `${name.padEnd(width)}  ${`[${shape.join(', ')}]`.padEnd(shapes)}  ${dtype.padEnd(8)} ` +
        `${count(elementsOf(shape)).padStart(13)}`,
    );
  say('');
  for (const [part, n] of Object.entries(summary.parts)) say(`${part.padEnd(12)} ${count(n ?? 0).padStart(13)}`);
  const own = leaves.filter(
    ({ name }) =>
      name !== CORRELATION && !name.endsWith('#scale') && (!summary.weights || name.startsWith(`${summary.weights}/`)),
  );
  say(
    `${'parameters'.padEnd(12)} ${count(summary.parameters).padStart(13)}  in ${own.length} leaves, ` +
      `${(summary.bytes / 1e6).toFixed(1)} MB`,
  );
  const rest = summary.weights ? `, the weights of a training state (${summary.weights}/)` : '';
  say(`\n${LAYOUTS[summary.layout]}${rest}, stored as ${summary.container} in ${summary.path}`);
  if (summary.tasks !== null)
    say(`robot ${summary.robot ?? 'not told'}, ${summary.tasks} tasks with ${summary.stages} stages in all`);
  if (summary.problem) say(summary.problem);
  const near = (name: string) => (summary.nearest[name] ? ` (nearest: ${summary.nearest[name]})` : '');
  for (const name of summary.missing) say(`missing: ${name}${near(name)}`);
  for (const name of summary.extra) say(`extra: ${name}${near(name)}`);
  if (summary.config && summary.missing.length + summary.extra.length === 0 && !summary.problem)
    say('nothing missing, nothing extra');
}

const count = (n: number): string => n.toLocaleString('en-US');
