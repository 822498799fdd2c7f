/** Reads into `into` and returns how many bytes there were; 0 at the end. */
export type Fill = (into: Uint8Array) => number;

/** `bytes` as something to read from piece by piece. */
export function fillFrom(bytes: Uint8Array): Fill {
  let at = 0;
  return (into) => {
    const count = Math.min(into.length, bytes.length - at);
    into.set(bytes.subarray(at, at + count));
    at += count;
    return count;
  };
}

/** First `bytes`, then what `fill` gives. */
export function followedBy(bytes: Uint8Array, fill: Fill): Fill {
  const first = fillFrom(bytes);
  return (into) => first(into) || fill(into);
}

/** `start` and what comes after it, up to `count` bytes in all; fewer where the end comes before. */
export function readUpTo(count: number, fill: Fill, start: Uint8Array = new Uint8Array(0)): Uint8Array {
  const out = new Uint8Array(count);
  out.set(start);
  let got = start.length;
  for (let n = 1; got < count && n > 0; got += n) n = fill(out.subarray(got));
  return out.subarray(0, got);
}
