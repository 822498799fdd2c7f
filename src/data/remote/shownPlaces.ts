/** Folders in which files of servers are kept, and the addresses that a person knows them by. */
const places = new Map<string, string>();

export const showAs = (folder: string, address: string): void => void places.set(folder, address);

/** A text for a person, with addresses in place of the folders where their files are kept. */
export function shownPlaces(text: string): string {
  let shown = text;
  for (const [folder, address] of places) shown = shown.replaceAll(folder, address);
  return shown;
}
