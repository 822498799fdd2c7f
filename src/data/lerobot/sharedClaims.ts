import type { TaskClaims } from './dataset.ts';

/** Gives one object for all claims that say the same: a set has many episodes, and few tasks. */
export function sharedClaims(): (claims: TaskClaims) => TaskClaims {
  const known = new Map<string, TaskClaims>();
  return (claims) => {
    const key = `${claims.sentence} ${claims.table} ${claims.folder}`;
    const same = known.get(key) ?? claims;
    known.set(key, same);
    return same;
  };
}
