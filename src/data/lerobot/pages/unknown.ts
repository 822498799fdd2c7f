/** What this reader does not know, or finds damaged: another one must see to it. */
class Unknown extends Error {}
/** @throws what `PageReader.read` answers with false */
export function need(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Unknown(what);
}
