import { type ModelConfig, prefixLayout, prefixVisibility } from '../../model/index.ts';
import { type Colour, drawing, HEADING, INK, label, matrix, type Panel, path, READABLE_WIDTH } from './svg.ts';

/** Tokens of one kind, in the order of the network. */
interface Span {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

const SEEN: Colour = [15, 118, 110];
const HIDDEN: Colour = [244, 243, 239];

/**
 * Which token may attend to which: the prefix (pictures, task, stage, state, FAST tokens in training) and the action
 * tokens of the expert, which see the prefix without FAST tokens and each other.
 */
export async function attentionFigure(config: ModelConfig): Promise<string> {
  const { spans, total, visible } = attentionMask(config);
  const at: Panel = { x: 150, y: HEADING + 6, width: 470, height: 470 };
  // Long spans would leave short ones no room: each gets at least a little, the rest by the root of its length.
  const weights = spans.map(({ start, end }) => 4 + Math.sqrt(end - start));
  const sum = weights.reduce((a, b) => a + b, 0);
  const edges = [0];
  for (const weight of weights) edges.push((edges.at(-1) ?? 0) + weight / sum);
  const panels: string[] = [];
  for (const [r, row] of spans.entries())
    for (const [c, column] of spans.entries()) {
      const [rows, columns] = [row.end - row.start, column.end - column.start];
      const block = Float32Array.from({ length: rows * columns }, (_, i) => {
        const [query, key] = [row.start + Math.floor(i / columns), column.start + (i % columns)];
        return visible[query * total + key] as number;
      });
      const place = {
        x: at.x + (edges[c] as number) * at.width,
        y: at.y + (edges[r] as number) * at.height,
        width: ((edges[c + 1] as number) - (edges[c] as number)) * at.width,
        height: ((edges[r + 1] as number) - (edges[r] as number)) * at.height,
      };
      panels.push(await matrix(block, rows, columns, (value) => (value > 0 ? SEEN : HIDDEN), place));
    }
  const lines = edges.slice(1, -1).flatMap((edge) => {
    const [x, y] = [at.x + edge * at.width, at.y + edge * at.height];
    const across = [
      [at.x, y],
      [at.x + at.width, y],
    ] as const;
    const down = [
      [x, at.y],
      [x, at.y + at.height],
    ] as const;
    return [path(across, '#fff', 1.5), path(down, '#fff', 1.5)];
  });
  const names = spans.flatMap(({ name, start, end }, i) => {
    const middle = ((edges[i] as number) + (edges[i + 1] as number)) / 2;
    const count = end - start;
    return [
      label(at.x - 8, at.y + middle * at.height + 4, `${name} (${count})`, { anchor: 'end', size: 13 }),
      label(at.x + middle * at.width, at.y + at.height + 14, name, { size: 13, turn: 35, colour: INK.soft }),
    ];
  });
  return drawing(
    {
      title: `Attention mask (${total} tokens)`,
      note: 'A row is a token that looks; green is what it may see. Sizes of the blocks are not to scale.',
      width: READABLE_WIDTH,
      height: HEADING + 580,
    },
    [...panels, ...lines, ...names],
  );
}

/** Spans, and [total, total] of 0 and 1 over prefix and action tokens. */
export function attentionMask(config: ModelConfig): { spans: Span[]; total: number; visible: Float32Array } {
  const layout = prefixLayout(config, { fast: true });
  const total = layout.total + config.actionHorizon;
  const prefix = prefixVisibility(config, { fast: true });
  const visible = new Float32Array(total * total);
  for (let i = 0; i < layout.total; i++)
    for (let j = 0; j < layout.total; j++) visible[i * total + j] = prefix[i * layout.total + j] as number;
  for (let i = layout.total; i < total; i++) {
    visible.fill(1, i * total, i * total + layout.length);
    visible.fill(1, i * total + layout.total, (i + 1) * total);
  }
  const spans: Span[] = config.cameras.map((camera, i) => ({
    name: camera.replaceAll('_', ' '),
    start: i * layout.cameraTokens,
    end: (i + 1) * layout.cameraTokens,
  }));
  spans.push(
    { name: 'task', start: layout.base, end: layout.base + 1 },
    { name: 'stage', start: layout.base + 1, end: layout.state },
    { name: 'state', start: layout.state, end: layout.length },
  );
  if (layout.fastTokens > 0) spans.push({ name: 'FAST', start: layout.length, end: layout.total });
  spans.push({ name: 'actions', start: layout.total, end: total });
  return { spans, total, visible };
}
