import { fileURLToPath } from 'node:url';
import { Random } from '../../src/base/index.ts';
import { PictureAugmenter } from '../../src/picture/index.ts';
import { loadTrainConfig } from '../../src/train/index.ts';
import type { Check } from '../check.ts';
import { PythonSide, python } from '../python.ts';

type Draws = Parameters<PictureAugmenter['replay']>[2];

const PICTURES = 60;
const SIDES = [16, 31, 64, 224];
/** Half a level, and what 32 bits lose. */
const TOLERANCE = 0.52;

/** Pictures that augmax augments as openpi asks it to, against Valet's of the same draws. */
export const check: Check = async (report) => {
  const side = new PythonSide(
    await python(import.meta.dirname),
    fileURLToPath(new URL('augmax_side.py', import.meta.url)),
  );
  try {
    const versions = await side.ask<{ augmax: string; jax: string }>({ do: 'versions' });
    const { pictures } = await loadTrainConfig('full');
    const augmenter = new PictureAugmenter(pictures, Random.of('noise'));
    const random = Random.of('interop', 'augmentation');
    const worst = { head: 0, wrist: 0 };
    let [coloured, inside] = [0, true];
    for (let i = 0; i < PICTURES; i++) {
      const size = SIDES[i % SIDES.length] ?? 16;
      const wrist = i % 3 === 2;
      const picture = pixels(random, size);
      const request = { do: 'augment', side: size, wrist, seed: random.integer(2 ** 31) };
      const theirs = await side.ask<{ draws: Draws; levels: string }>({
        ...request,
        pixels: Buffer.from(picture).toString('base64'),
      });
      const { placement, colours } = theirs.draws;
      // The library draws a saturation and does not use it.
      augmenter.replay(picture, size, {
        placement: placement ?? undefined,
        colours: colours ? { ...colours, saturation: 0 } : undefined,
      });
      if (colours) coloured++;
      const own = augmenter.draw(Random.of(i), size, !wrist);
      inside &&= own.placement?.kept === placement?.kept;
      const levels = Buffer.from(theirs.levels, 'base64');
      const kind = wrist ? 'wrist' : 'head';
      for (const [at, level] of picture.entries())
        worst[kind] = Math.max(worst[kind], Math.abs(level - levels.readUInt16LE(2 * at) / 256));
    }
    const of = `augmax ${versions.augmax}, jax ${versions.jax}`;
    for (const [kind, off] of Object.entries(worst))
      report(`${kind} pictures within rounding`, off <= TOLERANCE, `at most ${off.toFixed(3)} levels off, ${of}`);
    report('the same crop size, and none at the wrist', inside);
    report('colours of a part of the pictures', coloured > 15 && coloured < 45, `${coloured} of ${PICTURES}`);
  } finally {
    side.close();
  }
};

/** Some noise on waves, and a grey corner. */
function pixels(random: Random, side: number): Uint8Array {
  const [f, g] = [random.between(0.05, 0.6), random.between(0.05, 0.6)];
  return Uint8Array.from({ length: 3 * side * side }, (_, i) => {
    const [row, column] = [Math.floor(i / 3 / side), Math.floor(i / 3) % side];
    if (row < 3 && column < 3) return 90;
    const wave = 128 + 140 * Math.sin(f * row + g * column + 2 * (i % 3)) + 10 * random.normal();
    return Math.min(255, Math.max(0, Math.round(wave)));
  });
}
