import { appendFileSync, readFileSync } from 'node:fs';
import { endProcess } from '../../src/base/index.ts';
import { runCommand } from '../../src/cli/runCommand.ts';

/**
 * Commands of `valet` one after the other in one process, as many starts would cost most of the time:
 * npx tsx test/fuzz/commandsInTurn.ts COMMANDS RESULTS. COMMANDS holds a JSON list of lists of words; RESULTS gets a
 * line for each that ended, so that the one during which the process died is the first without. The process ends as
 * the command itself does.
 */
const [commands = '', results = ''] = process.argv.slice(2);
let told = '';
const keep = (text: string | Uint8Array): boolean => {
  told = `${told}${text}`.slice(-4000);
  return true;
};
process.stdout.write = () => true;
process.stderr.write = keep as typeof process.stderr.write;
for (const words of JSON.parse(readFileSync(commands, 'utf8')) as string[][]) {
  told = '';
  process.exitCode = 0;
  const code = await runCommand(words);
  appendFileSync(results, `${JSON.stringify({ code, err: told })}\n`);
}
process.exitCode = 0;
await endProcess(0);
