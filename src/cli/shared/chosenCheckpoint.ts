/**
 * The folder of the checkpoint that a command was given: by name, by its folder or by its training folder; which one
 * that is, is said on stderr. The model's door brings the runtime along, which `--help` does not need: loaded here.
 */
export async function chosenCheckpoint(name: string): Promise<string> {
  const { checkpointFolder } = await import('../../model/index.ts');
  return checkpointFolder(name, (line) => void process.stderr.write(`${line}\n`));
}
