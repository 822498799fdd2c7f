import { AdamwMemory, AdamwOutside, memoryBytes } from './memory.ts';
import type { AdamwPart, AdamwShare } from './part.ts';

/** Bytes of the largest memory that is taken: WebAssembly's 4 GiB without the last page. */
const MEMORY_LIMIT = 2 ** 32 - 65536;
const WHOLE: AdamwShare = { rank: 0, size: 1 };

/**
 * Room for leaves of these lengths, zeros, in their order. Leaves lie in as few memories as hold them, at most
 * `limit` bytes each; one that alone is larger than a memory lies outside and is updated through a small one. The
 * results are the same to the last bit, however the leaves are spread.
 * @param share the piece of each part's optimiser state that is held
 */
export function adamwParts(
  lengths: readonly number[],
  limit: number = MEMORY_LIMIT,
  share: AdamwShare = WHOLE,
): AdamwPart[] {
  const parts: AdamwPart[] = [];
  let group: number[] = [];
  const close = () => {
    if (group.length > 0) parts.push(new AdamwMemory(group, share));
    group = [];
  };
  for (const length of lengths) {
    if (memoryBytes([...group, length], share) > limit) close();
    if (memoryBytes([length], share) <= limit) group.push(length);
    else parts.push(new AdamwOutside(length, share));
  }
  close();
  return parts;
}
