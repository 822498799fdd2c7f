import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { InputError, Progress } from '../base/index.ts';
import {
  annotatedStages,
  type Dataset,
  type Edited,
  type EpisodeFilter,
  type KeptEpisode,
  mergedEpisodes,
  openSets,
  readStageMapping,
  type SetPart,
  selectEpisodes,
  splitEpisodes,
  trimmedEpisodes,
  type WriteSetOptions,
  writeSet,
} from '../data/index.ts';
import { addDataOptions, type DataOptionValues, dataChoice, tellNotes } from './shared/dataOptions.ts';
import { aboveZero, atLeastZero, positive } from './shared/numbers.ts';
import { robotOption } from './shared/robot.ts';

type Format = 'v2.1' | 'v3.0';
interface EditValues extends DataOptionValues, EpisodeFilter {
  readonly robot?: string;
  readonly format?: Format;
  readonly json?: boolean;
}

const NEXT = '\nA run that was interrupted goes on when the same command is given again.';

/** Adds `valet data select | convert | merge | split | trim | resize | annotate`. */
export function addEdit(data: Command): void {
  common(data.command('select'))
    .description('a data set of some episodes of another; numbers of tasks stay')
    .argument('<in>', "the data set's folder")
    .argument('<out>', 'folder of the new data set')
    .option('--length <frames>', 'only episodes of so many frames, such as 100-900', lengths)
    .option('--where <sql>', 'only episodes of which this is true: SQL over their columns')
    .option(
      '--flag <tests...>',
      'only episodes of which the index, or the JSON beside them, says: NAME, !NAME, NAME=VALUE, NAME!=VALUE, NAME>=N',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet data select demos radio --tasks turning_on_radio\n' +
        `  $ valet data select demos short --length 1-300 --where "max(action[1]) > 0.1"\n${NEXT}`,
    )
    .action(async (from: string, out: string, options: EditValues) => {
      const [set] = await opened([from], options);
      await write(set ? await selectEpisodes(set, options) : [], out, options);
    });
  common(data.command('convert'))
    .description('the same data set in the other version of LeRobot')
    .argument('<in>', "the data set's folder")
    .argument('<out>', 'folder of the new data set')
    .addHelpText('after', `\nExample:\n  $ valet data convert demos demos3 --format v3.0\n${NEXT}`)
    .action(async (from: string, out: string, options: EditValues) => {
      const [set] = await opened([from], options);
      await write(set ? await selectEpisodes(set, {}) : [], out, options);
    });
  common(data.command('merge'))
    .description('one data set of several; a task is the same where its sentence or name is')
    .argument('<in...>', "the data sets' folders")
    .requiredOption('--out <dir>', 'folder of the new data set')
    .addHelpText('after', `\nExample:\n  $ valet data merge demos corrections --out all\n${NEXT}`)
    .action(async (from: string[], options: EditValues & { readonly out: string }) => {
      await write(mergedEpisodes(await opened(from, options)), options.out, options);
    });
  common(data.command('split'))
    .description('divides the episodes of each task by chance among new data sets')
    .argument('<in>', "the data set's folder")
    .argument('<out>', 'folder in which the parts are made')
    .option('--parts <shares>', 'names of the parts and their shares', parts, parts('train=0.9,test=0.1'))
    .option('--seed <seed>', 'other seeds, other parts', '0')
    .addHelpText('after', `\nExample:\n  $ valet data split demos parts --parts train=0.9,test=0.1\n${NEXT}`)
    .action(
      async (from: string, out: string, options: EditValues & { readonly parts: SetPart[]; readonly seed: string }) => {
        const [set] = await opened([from], options);
        const all = splitEpisodes(set ? await selectEpisodes(set, {}) : [], options.parts, options.seed);
        for (const [name, kept] of all) await write(kept, join(out, name), options);
      },
    );
  addChanges(data);
  addAnnotate(data);
}

/** Adds `valet data trim | resize`. */
function addChanges(data: Command): void {
  common(data.command('trim'))
    .description('the same data set without the frames at the ends of episodes in which nothing moves')
    .argument('<in>', "the data set's folder")
    .argument('<out>', 'folder of the new data set')
    .option(
      '--still <x>',
      'a number that changes by less than this a frame stands still, in its unit',
      aboveZero,
      0.001,
    )
    .option('--margin <seconds>', 'kept before the first motion and after the last', atLeastZero, 0.5)
    .addHelpText('after', `\nExample:\n  $ valet data trim demos moving --still 0.002\n${NEXT}`)
    .action(async (from: string, out: string, options: EditValues & { still: number; margin: number }) => {
      const [set] = await opened([from], options);
      const { still, margin } = options;
      const kept = set ? await trimmedEpisodes(set, { still, margin: Math.round(margin * set.fps) }) : [];
      await write(kept, out, options);
    });
  common(data.command('resize'))
    .description("the same data set with small square pictures; videos that are no camera's are left out")
    .argument('<in>', "the data set's folder")
    .argument('<out>', 'folder of the new data set')
    .requiredOption('--size <pixels>', 'side of the pictures', positive)
    .addOption(
      new Option('--codec <name>', 'hevc takes longer to write and less room')
        .choices(['h264', 'hevc'])
        .default('h264'),
    )
    .addHelpText('after', `\nExample:\n  $ valet data resize demos small --size 32\n${NEXT}`)
    .action(async (from: string, out: string, options: EditValues & { size: number; codec: 'h264' | 'hevc' }) => {
      const [set] = await opened([from], options);
      await write(set ? await selectEpisodes(set, {}) : [], out, options, {
        imageSize: options.size,
        codec: options.codec,
      });
    });
}

/** Adds `valet data annotate stages`. */
function addAnnotate(data: Command): void {
  const annotate = data.command('annotate').description('the same data set with other labels');
  common(annotate.command('stages'))
    .description('the same data set with a new stage label for each frame, in annotation.stage')
    .argument('<in>', "the data set's folder")
    .argument('<out>', 'folder of the new data set')
    .addOption(
      new Option('--from <what>', 'equal parts of each episode, or its annotated skills')
        .choices(['time', 'skills'])
        .makeOptionMandatory(),
    )
    .option('--mapping <file>', 'which skills are which stages (default: made from the skills)')
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet data annotate stages demos timed --from time' +
        '\n  $ valet data annotate stages demos staged --from skills --mapping stages.json' +
        `\n\nThe mapping that was used stands in OUT/meta/stage-mapping.json.\n${NEXT}`,
    )
    .action(async (from: string, out: string, options: EditValues & { from: 'time' | 'skills'; mapping?: string }) => {
      if (options.mapping !== undefined && options.from === 'time')
        throw new InputError('--mapping', 'has no effect with --from time. Leave it out, or take --from skills.');
      const mapping = options.mapping === undefined ? undefined : await readStageMapping(options.mapping);
      const [set] = await opened([from], options);
      if (!set) return;
      const stages = await annotatedStages(set, options.from, mapping);
      await write(await selectEpisodes(set, {}), out, options, { stages });
      const strange = [...stages.unknown].map(([name, times]) => `${name} (${times})`);
      if (strange.length > 0) tellNotes([`skills in no stage, counted to the stage under way: ${strange.join('; ')}`]);
    });
}

function common(command: Command): Command {
  return addDataOptions(command)
    .option('--robot <name|file>', 'whose data they are (default: as the data set says)')
    .addOption(new Option('--format <version>', 'v2.1 or v3.0 (default: as it is)').choices(['v2.1', 'v3.0']))
    .option('--json', 'print the result as one JSON value');
}

async function opened(folders: readonly string[], options: EditValues): Promise<readonly Dataset[]> {
  const robot = await robotOption(options);
  const { sets, notes } = await openSets(folders, {
    ...robot,
    choice: await dataChoice(options),
    pictures: true,
    tasks: 'refused',
  });
  tellNotes(notes);
  return sets;
}

async function write(
  kept: readonly KeptEpisode[],
  out: string,
  { format, json }: EditValues,
  changes: Pick<WriteSetOptions, 'imageSize' | 'codec' | 'stages'> = {},
): Promise<void> {
  const bar = new Progress(out, kept.length, { unit: 'episodes' });
  const edited: Edited = await writeSet(kept, out, { format, ...changes, progress: (done) => bar.at(done) });
  bar.end();
  tellNotes(edited.notes);
  const { episodes, frames, encoded } = edited;
  if (json) process.stdout.write(`${JSON.stringify({ out, episodes, frames, encoded, notes: edited.notes })}\n`);
  else {
    const again = encoded > 0 ? `; ${encoded} videos were encoded again` : '';
    process.stdout.write(`${out}: ${episodes} episodes, ${frames} frames${again}\n`);
  }
}

function lengths(text: string): { from: number; to: number } {
  const [, from, to] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text.trim()) ?? [];
  if (from === undefined || Number(to ?? from) < Number(from))
    throw new InvalidArgumentError('expected frames, such as 300 or 100-900.');
  return { from: Number(from), to: Number(to ?? from) };
}

function parts(text: string): SetPart[] {
  const list = text.split(',').map((part): SetPart => {
    const [, name, share] = /^\s*([\w.-]+)\s*=\s*(\d+(?:\.\d+)?)\s*$/.exec(part) ?? [];
    if (name === undefined || !(Number(share) > 0) || /^\.+$/.test(name))
      throw new InvalidArgumentError('expected NAME=SHARE, …, such as train=0.9,test=0.1.');
    return { name, share: Number(share) };
  });
  if (new Set(list.map(({ name }) => name)).size < list.length)
    throw new InvalidArgumentError('expected parts of different names.');
  return list;
}
