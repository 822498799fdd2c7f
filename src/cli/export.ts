import { Command, Option } from 'commander';
import { Progress, requireOutput } from '../base/index.ts';
import { exportCheckpoint } from '../model/index.ts';
import { chosenCheckpoint } from './shared/chosenCheckpoint.ts';
import { refuseIdle } from './shared/given.ts';
import { interruptible } from './shared/interruptible.ts';
import { addStatisticsOption, OTHER_STATISTICS } from './shared/otherStatistics.ts';

interface Options {
  format: 'openpi' | 'safetensors';
  out: string;
  dtype?: 'float32' | 'bfloat16';
  partial: boolean;
  otherStatistics: boolean;
  json: boolean;
  quiet: boolean;
}

export function command(): Command {
  return addStatisticsOption(new Command('export'))
    .description('a checkpoint as the original stores it (orbax, one folder per array), or as safetensors')
    .argument('<dir>', 'Valet checkpoint, or any other that valet inspect reads')
    .addOption(new Option('--format <format>', 'for whom').choices(['openpi', 'safetensors']).makeOptionMandatory())
    .requiredOption(
      '--out <path>',
      'the step folder to make; for safetensors a folder, or a file that ends in .safetensors',
    )
    .addOption(
      new Option('--dtype <type>', 'type of the weights; as stored when left out').choices(['float32', 'bfloat16']),
    )
    .option('--partial', "openpi: also a network of which the original's loader can take only a part", false)
    .option('--json', 'print one JSON object on stdout', false)
    .option('--quiet', 'no progress on stderr', false)
    .addHelpText('after', '\nExample:\n  $ valet export household --format safetensors --out household-weights')
    .action(run);
}

async function run(name: string, options: Options, command: Command): Promise<void> {
  const { format, out, dtype, partial, otherStatistics, json, quiet } = options;
  if (format !== 'openpi') refuseIdle(command, ['partial'], `with --format ${format}`);
  const source = await chosenCheckpoint(name);
  const started = performance.now();
  const kind = format === 'safetensors' && out.endsWith('.safetensors') ? 'file' : 'folder';
  await requireOutput(out, { kind, fresh: 'Choose another folder or remove it first.' });
  let progress: Progress | undefined;
  let done = 0;
  const report = await interruptible('export', (signal) =>
    exportCheckpoint(source, out, {
      format,
      ...(dtype && { dtype }),
      partial,
      otherStatistics,
      signal,
      start: (bytes) => {
        progress = new Progress('export', Math.round(bytes / 1e6), { unit: 'MB', silent: quiet });
      },
      copied: (bytes) => {
        done += bytes;
        progress?.at(Math.round(done / 1e6));
      },
    }),
  );
  progress?.end();
  const seconds = Number(((performance.now() - started) / 1000).toFixed(3));
  if (json) process.stdout.write(`${JSON.stringify({ ...report, format, seconds, out })}\n`);
  else process.stdout.write(`${report.leaves} leaves, ${(report.bytes / 1e6).toFixed(1)} MB → ${out}\n`);
  if (report.ownStatistics === false) process.stderr.write(`${out}: ${OTHER_STATISTICS}\n`);
  if (report.foreign.length > 0 && format === 'openpi')
    process.stderr.write(
      `${out}: the original's network has no place for ${report.foreign.length} leaves (first ` +
        `${report.foreign[0]}) and its loader refuses them; orbax itself and valet import read them.\n`,
    );
  if (report.leftOut.length > 0)
    process.stderr.write(
      `${out}: the statistics of ${report.leftOut.join(', ')} are not in it. An import takes them by --norm-stats; a ` +
        'folder as --out has them beside it.\n',
    );
}
