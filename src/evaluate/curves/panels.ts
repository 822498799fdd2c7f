import type { Curve, RunCurves } from './readRun.ts';

/** One line of a chart. */
export interface Line extends Curve {
  /** Place of the run in the list. */
  readonly run: number;
  /** Held-out episodes and rollouts are dots; what is measured while training is a line. */
  readonly seldom: boolean;
  readonly words: string;
}

/** A chart: one quantity, all runs. */
export interface ChartPanel {
  readonly title: string;
  readonly note: string;
  readonly lines: readonly Line[];
  /** A share between 0 and 1, drawn over all of it and never on a logarithmic axis. */
  readonly share?: boolean;
}

export interface Section {
  readonly title: string;
  readonly note: string;
  readonly panels: readonly ChartPanel[];
  /** Folded in at first: detail that most readers do not need. */
  readonly folded?: boolean;
}

/** More points than a chart can show: neighbours are averaged. */
const MOST_POINTS = 1500;

const TERMS: Readonly<Record<string, readonly [title: string, note: string]>> = {
  loss: ['All of it', 'The weighted sum of the parts below: what training makes smaller.'],
  'loss/action': ['Actions', 'Flow matching: how far the predicted velocity of the action chunk is off, squared.'],
  'loss/stage': ['Stage', 'Cross entropy of the stage that the network finds.'],
  'loss/fast': ['FAST tokens', 'Cross entropy of the action tokens.'],
  'loss/chunk': ['Chunk head', 'Auxiliary: the chunk in one guess, squared error.'],
  'loss/objects': ['Object positions', 'Auxiliary: where things are, squared error.'],
};

const PACE: readonly (readonly [key: string, title: string, note: string, share?: boolean])[] = [
  ['learningRate', 'Learning rate', 'It rises, then falls along half a cosine.'],
  ['samplesPerSecond', 'Samples per second', 'How fast training goes.'],
  ['dataWait', 'Waiting for data', 'Share of the time that updates waited for their batch.', true],
  ['skippedUpdates', 'Updates left out', 'So far, because the gradients were no use.'],
];

/** The charts of a page, in the order of a reader's questions. What no run has measured has no chart. */
export function sections(runs: readonly RunCurves[]): Section[] {
  const all: Section[] = [
    { title: 'Loss', note: 'Lower is better. Lines: training. Dots: held-out episodes.', panels: lossPanels(runs) },
    {
      title: 'In the household',
      note: 'Episodes that the policy played while it trained. q is the share of the goal that was achieved.',
      panels: rolloutPanels(runs),
    },
    {
      title: 'Error of held-out actions',
      note: 'Mean difference between planned and recorded actions, by part of the robot.',
      panels: keysOf(runs, 'validation')
        .filter((key) => key.startsWith('error/'))
        .map((key) => panel(runs, key.slice(6), '', [['validation', key]])),
    },
    {
      title: 'Learning rate and pace',
      note: '',
      panels: PACE.map(([key, title, note, share]) => panel(runs, title, note, [['training', key]], share)),
    },
    { title: 'By task', note: 'Losses of the samples of each task.', panels: taskPanels(runs), folded: true },
    { title: 'Norms and mixing', note: '', panels: normPanels(runs), folded: true },
  ];
  return all
    .map((section) => ({ ...section, panels: section.panels.filter(({ lines }) => lines.length > 0) }))
    .filter(({ panels }) => panels.length > 0);
}

function lossPanels(runs: readonly RunCurves[]): ChartPanel[] {
  const both = (key: string): [Source, string][] => [
    ['training', key],
    ['validation', key],
  ];
  const others = keysOf(runs, 'training').filter((key) => key.startsWith('loss/'));
  return [
    ...['loss', ...others].map((key) => {
      const [title, note] = TERMS[key] ?? [key.slice(5), ''];
      return panel(runs, title, note, both(key));
    }),
    panel(runs, 'Right stage', 'How often the stage head is right. Higher is better.', both('stage_accuracy'), true),
  ];
}

function rolloutPanels(runs: readonly RunCurves[]): ChartPanel[] {
  const tasks = [...new Set(keysOf(runs, 'rollouts').map((key) => key.slice(0, key.lastIndexOf('/'))))];
  return tasks.flatMap((task) => [
    panel(runs, `${task}: q`, 'Mean score of the episodes.', [['rollouts', `${task}/q`]], true),
    panel(runs, `${task}: success`, 'Share of the episodes that succeed.', [['rollouts', `${task}/success`]], true),
  ]);
}

function taskPanels(runs: readonly RunCurves[]): ChartPanel[] {
  const named = (source: Source) =>
    keysOf(runs, source).flatMap((key) => /^tasks\/(.+?)\/(?:action|losses\/loss)$/.exec(key)?.[1] ?? []);
  const tasks = [...new Set([...named('training'), ...named('validation')])].sort();
  return tasks.flatMap((task) => [
    panel(runs, `${task}: actions`, 'Flow loss.', [
      ['training', `tasks/${task}/action`],
      ['validation', `tasks/${task}/losses/loss/action`],
    ]),
    panel(
      runs,
      `${task}: right stage`,
      'Share of the samples.',
      [
        ['training', `tasks/${task}/stageAccuracy`],
        ['validation', `tasks/${task}/losses/stage_accuracy`],
      ],
      true,
    ),
  ]);
}

function normPanels(runs: readonly RunCurves[]): ChartPanel[] {
  const below = (group: string) => keysOf(runs, 'training').filter((key) => key.startsWith(`${group}/`));
  return [
    panel(runs, 'Gradient', 'Norm over all weights, before it is clipped.', [['training', 'gradientNorm']]),
    ...below('gradientNorms').map((key) =>
      panel(runs, `Gradient: ${part(key)}`, 'Norm over the weights of this part.', [['training', key]]),
    ),
    ...below('parameterNorms').map((key) =>
      panel(runs, `Weights: ${part(key)}`, 'Norm of the weights themselves.', [['training', key]]),
    ),
    ...below('mixing').map((key) =>
      panel(
        runs,
        `KV mixing: ${key.slice('mixing/'.length).replace('/', ', ')}`,
        key.endsWith('own')
          ? 'Mean weight of a layer’s own keys or values; 1 at first.'
          : 'Mean size of the weights of other layers; 0 at first.',
        [['training', key]],
      ),
    ),
  ];
}

const PARTS: Readonly<Record<string, string>> = {
  vision: 'vision tower',
  embedding: 'token embedding',
  vlm: 'language model',
  expert: 'action expert',
  flow: 'action and time projections',
  fast: 'FAST head',
  task: 'task and stage tokens',
  kv: 'KV mixing',
  state: 'state token',
  auxiliary: 'auxiliary heads',
};
const part = (key: string): string => {
  const name = key.slice(key.indexOf('/') + 1);
  return PARTS[name] ?? name;
};

type Source = 'training' | 'validation' | 'rollouts';
const WORDS: Readonly<Record<Source, string>> = { training: '', validation: 'held out', rollouts: 'rollouts' };

const keysOf = (runs: readonly RunCurves[], source: Source): string[] => [
  ...new Set(runs.flatMap((run) => [...run[source].keys()])),
];

function panel(
  runs: readonly RunCurves[],
  title: string,
  note: string,
  keys: readonly (readonly [Source, string])[],
  share = false,
): ChartPanel {
  const lines = runs.flatMap((run, i) =>
    keys.flatMap(([source, key]): Line[] => {
      const curve = run[source].get(key);
      return curve ? [{ ...thinned(curve), run: i, seldom: source !== 'training', words: WORDS[source] }] : [];
    }),
  );
  return { title, note, lines, ...(share && { share }) };
}

/** Neighbours averaged, so that at most `MOST_POINTS` are left; numbers of five digits. */
export function thinned({ x, y }: Curve): Curve {
  const together = Math.ceil(x.length / MOST_POINTS);
  const out: Curve = { x: [], y: [] };
  for (let from = 0; from < x.length; from += together) {
    const group = y.slice(from, from + together);
    out.x.push(x[from + group.length - 1] as number);
    out.y.push(Number((group.reduce((sum, value) => sum + value, 0) / group.length).toPrecision(5)));
  }
  return out;
}
