import { Command, Option } from 'commander';
import { requireOutput, writeFileAside } from '../base/index.ts';
import { rolloutMcap } from '../evaluate/index.ts';

export function command(): Command {
  return new Command('export-rollout')
    .description('a recorded rollout for other viewers: poses, actions, pictures, stages')
    .argument('<rollout>', 'EVALUATION/rollouts/UNIT')
    .addOption(new Option('--format <name>', 'mcap: Foxglove and others').choices(['mcap']).default('mcap'))
    .requiredOption('--out <file>', 'file to write')
    .option('--json', 'print one JSON object on stdout', false)
    .addHelpText(
      'after',
      '\nExample:\n  $ valet eval --policy expert --tasks turning_on_radio --instances 0 --out out/expert' +
        '\n  $ valet export-rollout out/expert/rollouts/turning_on_radio_0_0 --format mcap --out radio.mcap',
    )
    .action(async (rollout: string, { out, json, format }: { out: string; json: boolean; format: string }) => {
      await requireOutput(out, { kind: 'file' });
      const bytes = await rolloutMcap(rollout);
      await writeFileAside(out, bytes);
      process.stdout.write(`${json ? JSON.stringify({ out, format, bytes: bytes.length }) : out}\n`);
    });
}
