import { Random } from '../src/base/index.ts';

/** `count` pictures of a camera that moves: gradients that drift, and the noise of a sensor; uint8 [size, size, 3]. */
export function* movingPictures(size: number, count: number, seed: number): Generator<Uint8Array> {
  const random = Random.of('bench pictures', seed);
  const noise = Uint8Array.from({ length: size * size * 3 }, () => random.integer(24));
  for (let t = 0; t < count; t++) {
    const picture = new Uint8Array(size * size * 3);
    for (let y = 0, at = 0; y < size; y++)
      for (let x = 0; x < size; x++)
        for (const value of [x + 2 * t + seed, y + t, x + y + 3 * t]) {
          picture[at] = (7 * (value & 255)) / 8 + (noise[(at + 3 * t) % noise.length] ?? 0);
          at++;
        }
    yield picture;
  }
}
