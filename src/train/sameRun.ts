import { InputError } from '../base/index.ts';
import { NO_ADVANTAGE } from './advantage.ts';
import type { RunRecord } from './folder.ts';

/**
 * Settings that change nothing that is trained, or its last bits alone; the number of steps and how updates are
 * computed are said where they change.
 */
const HARMLESS = new Set([
  'config.steps',
  'config.accumulate',
  'config.recompute',
  'config.layerwise',
  'config.logEvery',
  'config.histogramEvery',
  'config.checkpointEvery',
  'config.keepCheckpoints',
  'config.memoryGiB',
  'config.keepEvery',
  'config.guard',
  'config.stream',
  'config.validation.every',
  'config.validation.batches',
  'config.validation.chunks',
]);

/** Settings that came later: what they were in a run whose record does not name them. */
const BEFORE: Readonly<Record<string, unknown>> = {
  'config.validation.by': 'episode',
  'config.taskWeights': {},
  'config.advantage': NO_ADVANTAGE,
  'config.model.successLossWeight': 0,
  'config.model.progressLossWeight': 0,
  'config.lora': null,
  'config.endPadding': false,
  'config.noiseScale': 1,
  'config.session': { executeActions: null, executeSteps: null, keepActions: null, historyLength: null, votes: null },
  'config.pictures.colour': 'linear',
  'config.pictures.crop': 1,
  'config.pictures.rotate': 0,
  'config.pictures.hue': 0,
  'config.pictures.saturation': 0,
  'config.pictures.colourShare': 1,
};

/**
 * @throws InputError naming the first thing in which a resumed run differs from the one that the folder holds. Data and
 *   checkpoints are compared by their content, wherever they lie
 */
export function requireSameRun(folder: string, was: RunRecord, now: RunRecord): void {
  const compare = (a: unknown, b: unknown, path: string): void => {
    if (HARMLESS.has(path)) return;
    if (a === undefined && path in BEFORE) compare(BEFORE[path], b, path);
    else if (typeof a === 'object' && a && typeof b === 'object' && b) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
        compare((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], `${path}.${key}`);
    } else if (a !== b) refuse(folder, path, `got ${JSON.stringify(b)}, the run has ${JSON.stringify(a)}`);
  };
  compare(was.config, now.config, 'config');
  compare(was.seed, now.seed, 'seed');
  if (was.dataFingerprint !== now.dataFingerprint)
    refuse(folder, 'data', `got ${now.data.join(' ')}, the run has ${was.data.join(' ')}; compared by content`);
  // Without --init a run keeps the weights that it has.
  if (now.init !== null && (was.initDigest ?? was.init) !== (was.initDigest ? now.initDigest : now.init))
    refuse(folder, 'init', `got ${now.init}, the run has ${was.init}; compared by content`);
}

function refuse(folder: string, what: string, how: string): never {
  throw new InputError(
    folder,
    `the run there has another ${what} (${how}). Resume with the same, or train into another folder.`,
  );
}

/** What the last bits depend on besides the run's own settings. */
export function differences(was: RunRecord, now: RunRecord): [what: string, was: unknown, now: unknown][] {
  const pairs: [string, unknown, unknown][] = [
    ['threads', was.threads, now.threads],
    ...['accumulate', 'recompute', 'layerwise'].map((name): [string, unknown, unknown] => [
      name,
      computed(was.config)[name],
      computed(now.config)[name],
    ]),
    ['ranks', was.ranks ?? 1, now.ranks ?? 1],
    ...Object.keys(now.versions).map((name): [string, unknown, unknown] => [
      name,
      was.versions[name],
      now.versions[name],
    ]),
  ];
  return pairs.filter(([, a, b]) => a !== b);
}

/** How a configuration says that updates are computed; runs before these keys had the defaults. */
const computed = (config: unknown): Readonly<Record<string, unknown>> => ({
  accumulate: 1,
  recompute: false,
  layerwise: false,
  ...(config as object),
});
