/**
 * The folder of the checkpoint that a command was given: by name, by its folder or by its training folder; which one
 * that is, is said on stderr. The model's door brings the runtime along, which `--help` does not need: loaded here.
 */
export async function chosenCheckpoint(name: string): Promise<string> {
  const { checkpointFolder } = await import('../../model/index.ts');
  return checkpointFolder(name, say);
}

/**
 * The same for a command that plans with it. What is to be said of its statistics is said on stderr.
 * @throws InputError when it was trained with others, unless that is let through
 */
export async function checkedCheckpoint(
  name: string,
  { otherStatistics }: { readonly otherStatistics: boolean },
): Promise<string> {
  const { checkStatistics } = await import('../../model/index.ts');
  const folder = await chosenCheckpoint(name);
  const note = await checkStatistics(folder, { otherStatistics });
  if (note !== undefined) say(note);
  return folder;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
