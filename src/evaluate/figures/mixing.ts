import { diverging, divergingKey, drawing, HEADING, INK, label, type Panel, rectangle, rgb } from './svg.ts';

/** A network's mixing of layers, [layers, layers] for keys and for values. */
export interface LayerMix {
  readonly layers: number;
  readonly keys: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/**
 * What each layer of the action expert attends to: how much of every layer's keys and values of the VLM it takes,
 * as the deviation from the identity, which is where training begins.
 */
export function mixingFigure({ layers, keys, values }: LayerMix): string {
  const side = Math.min(400, Math.max(180, 26 * layers));
  const panels = [keys, values].map((coefficients) =>
    Array.from({ length: layers * layers }, (_, i) => (coefficients[i] ?? 0) - (i % (layers + 1) === 0 ? 1 : 0)),
  );
  const most = Math.max(1e-6, ...panels.flat().map(Math.abs));
  const body = panels.flatMap((deviations, which) => {
    const at: Panel = { x: 80 + which * (side + 90), y: HEADING + 34, width: side, height: side };
    return [
      label(at.x, at.y - 12, which === 0 ? 'keys' : 'values', { weight: 620, size: 13 }),
      ...cells(deviations, layers, most, at),
      ...Array.from({ length: layers }, (_, i) => i)
        .filter((i) => layers <= 12 || i % 3 === 0)
        .flatMap((i) => {
          const middle = ((i + 0.5) / layers) * side;
          return [
            label(at.x - 8, at.y + middle + 4, String(i), { anchor: 'end', size: 11, colour: INK.soft }),
            label(at.x + middle, at.y + side + 16, String(i), { anchor: 'middle', size: 11, colour: INK.soft }),
          ];
        }),
      label(at.x + side / 2, at.y + side + 36, 'layer of the VLM', { anchor: 'middle', colour: INK.soft }),
    ];
  });
  const width = 80 + 2 * side + 90 + 40;
  const foot = HEADING + 34 + side + 54;
  return drawing(
    {
      title: 'Key and value mixing of layers, less the identity',
      note: 'Each row is a layer of the action expert. Before training all cells are 0.',
      width: Math.max(560, width),
      height: foot + 50,
    },
    [
      ...body,
      label(36, HEADING + 34 + side / 2, 'layer of the expert', { anchor: 'middle', colour: INK.soft, turn: -90 }),
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
        ? label(place.x + side / 2, place.y + side / 2 + 4, deviation.toFixed(2), { size: 9.5, anchor: 'middle' })
        : '';
    return (
      rectangle(place, rgb(diverging(deviation / most)), `layer ${row} takes ${deviation.toFixed(4)} of ${column}`) +
      number
    );
  });
}
