import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError } from '../../base/index.ts';
import { readRolloutScene, readStepLines, type StepLine } from '../rollouts/index.ts';
import { drawing, HEADING, INK, label, marksBelow, marksLeft, type Panel, path, READABLE_WIDTH } from './svg.ts';

/** What a recorded rollout tells of its steps. */
export interface RecordedSteps {
  readonly lines: readonly StepLine[];
  /** Control steps a second. */
  readonly rate: number;
}

/** The lines of a recorded rollout. @throws InputError when the folder holds none, or its plans tell no stage */
export function readSteps(rollout: string): RecordedSteps {
  if (!existsSync(join(rollout, 'steps.jsonl')))
    throw new InputError(rollout, 'holds no steps.jsonl. Give a rollout of an evaluation, EVALUATION/rollouts/UNIT.');
  const lines = readStepLines(rollout);
  if (!lines.some(({ predicted }) => predicted !== undefined))
    throw new InputError(rollout, 'was recorded without predicted stages: its policy is behind a server, or older.');
  return { lines, rate: readRolloutScene(rollout).scene.framesPerSecond };
}

/** Marks of the time axis, at most eight. */
function seconds(steps: number, rate: number): (readonly [string, number])[] {
  const every = [1, 2, 5, 10, 20, 60, 120, 300].find((each) => steps / rate / each <= 8) ?? 600;
  const count = Math.floor(steps / rate / every) + 1;
  return Array.from({ length: count }, (_, i) => [`${i * every} s`, (i * every * rate) / steps]);
}

/** Stages over an episode: what each plan predicted, what the votes made of it, and where the episode truly was. */
export function stagesFigure({ lines, rate }: RecordedSteps, rollout: string): string {
  const at: Panel = { x: 40, y: HEADING + 10, width: 580, height: 240 };
  const last = Math.max(1, ...lines.map((line) => Math.max(line.stage ?? 0, line.predicted ?? 0, line.truth ?? 0)));
  const x = (step: number) => at.x + (step / Math.max(1, lines.length)) * at.width;
  const y = (stage: number) => at.y + (1 - stage / last) * at.height;
  const steps = (value: (line: StepLine) => number | undefined) =>
    lines.flatMap((line, i) => {
      const stage = value(line);
      return stage === undefined
        ? []
        : ([
            [x(i), y(stage)],
            [x(i + 1), y(stage)],
          ] as const);
    });
  const told = lines.filter(({ predicted }) => predicted !== undefined);
  const share = (value: (line: StepLine) => number | undefined) =>
    `${Math.round((100 * told.filter((line) => value(line) === line.truth).length) / told.length)} %`;
  const hasTruth = told.every(({ truth }) => truth !== undefined);
  const [raw, voted] = [share((line) => line.predicted), share((line) => line.stage)];
  const note = hasTruth
    ? `Right at the moment of a plan: predicted ${raw}, voted ${voted} of ${told.length} plans.`
    : `${told.length} plans.`;
  const foot = at.y + at.height + 50;
  const key = [
    ...(hasTruth ? ([['#c9c6bd', 'true stage']] as const) : []),
    [INK.accent, 'voted stage'],
    [INK.warm, 'predicted by a plan'],
  ] as const;
  return drawing({ title: `Stages of ${basename(rollout)}`, note, width: READABLE_WIDTH, height: foot + 30 }, [
    ...Array.from({ length: last + 1 }, (_, stage) =>
      path(
        [
          [at.x, y(stage)],
          [at.x + at.width, y(stage)],
        ],
        INK.line,
        1,
      ),
    ),
    ...(hasTruth
      ? [
          path(
            steps(({ truth }) => truth),
            '#c9c6bd',
            6,
          ),
        ]
      : []),
    path(
      steps(({ stage }) => stage),
      INK.accent,
      2.4,
    ),
    ...lines.flatMap(({ predicted }, i) =>
      predicted === undefined
        ? []
        : [`<circle cx="${x(i).toFixed(1)}" cy="${y(predicted).toFixed(1)}" r="3.4" fill="${INK.warm}"/>`],
    ),
    marksLeft(
      at,
      Array.from({ length: last + 1 }, (_, stage) => [String(stage + 1), 1 - stage / last] as const),
    ),
    marksBelow(at, seconds(lines.length, rate)),
    ...key.flatMap(([colour, words], i) => {
      const left = 40 + i * 190;
      return [
        path(
          [
            [left, foot],
            [left + 26, foot],
          ],
          colour,
          4,
        ),
        label(left + 34, foot + 4, words, { colour: INK.soft }),
      ];
    }),
  ]);
}
