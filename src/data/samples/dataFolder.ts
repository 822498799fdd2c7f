/** A data folder and its share of the draws, from `dir` or `dir:weight`. */
export function parseDataFolder(text: string): { readonly dir: string; readonly weight: number | undefined } {
  // The last number of an address without a path is its port.
  if (/^https?:\/\/[^/]*$/i.test(text)) return { dir: text, weight: undefined };
  const [, dir, weight] = /^(.+):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  return dir === undefined ? { dir: text, weight: undefined } : { dir, weight: Number(weight) };
}
