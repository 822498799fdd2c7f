import { addTo, highSplitter, lowPart, lowSplitter } from './exact';

/**
 * Adds Σ over episodes of tail[row]·tail[column] − head[row]·head[column] to the exact sums [width, width], for
 * columns from the start of the row's own group. Each episode's part is rounded to float64 and then added exactly.
 * head and tail are [episodes, width]; `group` is a multiple of 4 and `width` one of `group`.
 */
export function outer(head: usize, tail: usize, episodes: u32, width: u32, group: u32, sums: usize): void {
  const high = f64x2.splat(highSplitter);
  const low = f64x2.splat(lowSplitter);
  const stride: usize = width << 3;
  // Splitters are added once per episode with the numbers, and taken off at the end.
  const highs = i64x2.mul(i64x2.splat(episodes), high);
  const lows = i64x2.mul(i64x2.splat(episodes), low);
  for (let row: u32 = 0; row < width; row++) {
    let column = (row / group) * group;
    let at = sums + ((row * width + column) << 4);
    for (; column < width; column += 4) {
      let leftHigh = i64x2.splat(0);
      let leftLow = i64x2.splat(0);
      let rightHigh = i64x2.splat(0);
      let rightLow = i64x2.splat(0);
      let headRow = head + (row << 3);
      let tailRow = tail + (row << 3);
      let headColumns = head + (column << 3);
      let tailColumns = tail + (column << 3);
      for (let episode: u32 = 0; episode < episodes; episode++) {
        const headValue = v128.load64_splat(headRow);
        const tailValue = v128.load64_splat(tailRow);
        const left = f64x2.sub(
          f64x2.mul(tailValue, v128.load(tailColumns)),
          f64x2.mul(headValue, v128.load(headColumns)),
        );
        const leftSplit = f64x2.add(left, high);
        leftHigh = i64x2.add(leftHigh, leftSplit);
        leftLow = i64x2.add(leftLow, lowPart(left, leftSplit, high, low));
        const right = f64x2.sub(
          f64x2.mul(tailValue, v128.load(tailColumns, 16)),
          f64x2.mul(headValue, v128.load(headColumns, 16)),
        );
        const rightSplit = f64x2.add(right, high);
        rightHigh = i64x2.add(rightHigh, rightSplit);
        rightLow = i64x2.add(rightLow, lowPart(right, rightSplit, high, low));
        headRow += stride;
        tailRow += stride;
        headColumns += stride;
        tailColumns += stride;
      }
      addTo(at, i64x2.sub(leftHigh, highs));
      addTo(at + 16, i64x2.sub(leftLow, lows));
      addTo(at + 32, i64x2.sub(rightHigh, highs));
      addTo(at + 48, i64x2.sub(rightLow, lows));
      at += 64;
    }
  }
}
