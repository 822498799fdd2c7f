import {
  diverging,
  divergingKey,
  drawing,
  HEADING,
  INK,
  label,
  type Panel,
  READABLE_WIDTH,
  rectangle,
  rgb,
} from './svg.ts';

/** A network's mixing of layers, [layers, layers] for keys and for values. */
export interface LayerMix {
  readonly layers: number;
  readonly keys: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/** Cells beyond that share of the scale are so dark that their numbers are white. */
const DARK = 0.4;
/** With more layers two matrices do not stand beside each other. */
const MOST_BESIDE = 6;

/**
 * What each layer of the action expert attends to: how much of every layer's keys and values of the VLM it takes,
 * as the deviation from the identity, which is where training begins.
 */
export function mixingFigure({ layers, keys, values }: LayerMix): string {
  // Many layers need the whole width: keys stand above values.
  const isStacked = layers > MOST_BESIDE;
  const side = isStacked ? READABLE_WIDTH - 120 : Math.max(180, 36 * layers);
  const panels = [keys, values].map((coefficients) =>
    Array.from({ length: layers * layers }, (_, i) => (coefficients[i] ?? 0) - (i % (layers + 1) === 0 ? 1 : 0)),
  );
  const most = Math.max(1e-6, ...panels.flat().map(Math.abs));
  const body = panels.flatMap((deviations, which) => {
    const at: Panel = {
      x: 80 + (isStacked ? 0 : which * (side + 90)),
      y: HEADING + 24 + (isStacked ? which * (side + 96) : 0),
      width: side,
      height: side,
    };
    return [
      label(at.x, at.y - 12, which === 0 ? 'keys' : 'values', { weight: 620, size: 14 }),
      ...cells(deviations, layers, most, at),
      ...Array.from({ length: layers }, (_, i) => i)
        .filter((i) => layers <= 12 || i % 3 === 0)
        .flatMap((i) => {
          const middle = ((i + 0.5) / layers) * side;
          return [
            label(at.x - 8, at.y + middle + 4, String(i), { anchor: 'end', size: 13, colour: INK.soft }),
            label(at.x + middle, at.y + side + 16, String(i), { anchor: 'middle', size: 13, colour: INK.soft }),
          ];
        }),
      label(at.x + side / 2, at.y + side + 36, 'layer of the VLM', { anchor: 'middle', colour: INK.soft }),
    ];
  });
  const width = isStacked ? READABLE_WIDTH : 80 + 2 * side + 90 + 40;
  const foot = HEADING + 24 + side + 56 + (isStacked ? side + 96 : 0);
  return drawing(
    {
      title: 'Key and value mixing of layers, less the identity',
      note: 'Each row is a layer of the expert. Before training all cells are 0.',
      width: Math.max(560, width),
      height: foot + 50,
    },
    [
      ...body,
      label(36, HEADING + 24 + side / 2, 'layer of the expert', { anchor: 'middle', colour: INK.soft, turn: -90 }),
      divergingKey(80, foot, 200, most),
    ],
  );
}

function cells(deviations: readonly number[], layers: number, most: number, at: Panel): string[] {
  const side = at.width / layers;
  return deviations.map((deviation, i) => {
    const [row, column] = [Math.floor(i / layers), i % layers];
    const place = { x: at.x + column * side + 0.5, y: at.y + row * side + 0.5, width: side - 1, height: side - 1 };
    const number =
      side >= 24
        ? label(place.x + side / 2, place.y + side / 2 + 4, deviation.toFixed(2), {
            ...{ size: side >= 34 ? 12 : 10, anchor: 'middle' as const },
            colour: Math.abs(deviation) > DARK * most ? '#fff' : INK.text,
          })
        : '';
    return (
      rectangle(place, rgb(diverging(deviation / most)), `layer ${row} takes ${deviation.toFixed(4)} of ${column}`) +
      number
    );
  });
}
