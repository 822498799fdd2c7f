import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FILM_FILE, rolloutFilm } from '../rollouts/index.ts';
import type { Gathered } from './gather.ts';
import { rolloutAddress } from './rollouts.ts';

/** Bytes of films that the page itself carries; the others are played from beside it. */
export const FILM_BUDGET = 8_000_000;

/**
 * Makes the film of every recorded episode that has none. The first ones go into the page, up to `budget` bytes of it;
 * the others are played from the rollouts' folders.
 */
export async function withFilms(
  folder: string,
  gathered: Gathered,
  { budget, progress }: { budget: number; progress?: ((done: number, total: number) => void) | undefined },
): Promise<Gathered> {
  const films = new Map<string, string>();
  const damaged = [...gathered.damaged];
  const recorded = gathered.episodes.filter(({ recording }) => recording !== 'none').length;
  let room = budget;
  let done = 0;
  const episodes: Gathered['episodes'][number][] = [];
  for (const episode of gathered.episodes) {
    if (episode.recording === 'none') {
      episodes.push(episode);
      continue;
    }
    const { unit } = episode;
    try {
      const path = await rolloutFilm(join(folder, 'rollouts', unit));
      const filmBytes = statSync(path).size;
      const inside = Math.ceil(filmBytes / 3) * 4 <= room;
      if (inside) {
        const text = readFileSync(path).toString('base64');
        films.set(unit, text);
        room -= text.length;
      }
      episodes.push({ ...episode, filmBytes, film: inside ? 'page' : `${rolloutAddress(unit)}/${FILM_FILE}` });
    } catch (error) {
      damaged.push({ unit, reason: `no film: ${(error as Error).message}` });
      episodes.push(episode);
    }
    progress?.(++done, recorded);
  }
  return { ...gathered, episodes, films, damaged };
}
