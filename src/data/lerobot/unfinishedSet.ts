import { existsSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, readJournal } from '../../base/index.ts';
import type { EncodedEpisode } from './episode.ts';
import { type Identity, UnfinishedFolder } from './unfinishedFolder.ts';

/** Episodes that are on disk together, such as those of a scene, and what the data set's index needs of them. */
export interface FinishedPart {
  readonly written: readonly EncodedEpisode[];
}

/** What tells the parts of a data set apart, and its files beside the episodes. */
interface PartKind<Part> {
  /** `<name>.json` holds the identity, `<parts>.jsonl` a line for each part. */
  readonly name: string;
  readonly parts: string;
  keyOf(part: Part): string;
}

/**
 * A data set on its way: the folder `<out>.part`, with a line for each part that is done. A process that dies leaves
 * it, and the next one goes on from there.
 */
export class UnfinishedSet<Part extends FinishedPart> {
  private readonly done = new Map<string, Part>();
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly folder: string,
    private readonly file: FileHandle,
    private readonly kind: PartKind<Part>,
    parts: readonly Part[],
  ) {
    for (const part of parts) this.done.set(kind.keyOf(part), part);
  }

  static folderOf = UnfinishedFolder.of;

  /** @throws InputError when there is one and `resume` is not set, none and it is, or one of other settings */
  static async open<Part extends FinishedPart>(
    out: string,
    kind: PartKind<Part>,
    identity: Identity,
    { resume = false, replace = false }: { readonly resume?: boolean; readonly replace?: boolean },
  ): Promise<UnfinishedSet<Part>> {
    const [identityName, partsName] = filesOf(kind);
    const begun = new UnfinishedFolder(out, identityName);
    const folder = begun.path;
    if (existsSync(out) && !replace)
      throw new InputError(
        out,
        `exists already${resume ? ' and is finished' : ''}. Choose another folder or remove it first.`,
      );
    if (begun.isBegun && !resume)
      throw new InputError(folder, 'holds an unfinished data set. Add --resume to go on with it, or remove it.');
    if (!begun.isBegun && resume)
      throw new InputError(out, `there is nothing to go on with (no ${folder}). Leave --resume out to begin.`);
    const other = begun.isBegun ? await begun.difference(identity) : undefined;
    if (other)
      throw new InputError(
        folder,
        `was begun with another ${other.key} (got ${other.now}, it has ${other.was}). Go on with the same options, ` +
          'or remove it.',
      );
    if (!begun.isBegun) await begun.begin(identity);
    const path = join(folder, partsName);
    const parts = await readJournal<Part>(path);
    return new UnfinishedSet(folder, await open(path, 'a'), kind, parts);
  }

  /** Episodes that are done. */
  get episodes(): number {
    return [...this.done.values()].reduce((sum, { written }) => sum + written.length, 0);
  }

  /** What a part came to, if it is done. */
  past(key: string): Part | undefined {
    return this.done.get(key);
  }

  /** All parts that are done. */
  all(): Part[] {
    return [...this.done.values()];
  }

  append(part: Part): Promise<void> {
    const write = this.turn.then(async () => {
      await this.file.appendFile(`${JSON.stringify(part)}\n`);
      this.done.set(this.kind.keyOf(part), part);
    });
    this.turn = write.catch(() => {});
    return write;
  }

  /** Ends it; a folder without an episode is gone. */
  async close(): Promise<void> {
    await this.turn;
    await this.file.close();
    if (this.episodes === 0) await rm(this.folder, { recursive: true, force: true });
  }

  /** The data set has its name now: in `out` nothing tells any more how it came to be. */
  async finish(out: string): Promise<void> {
    await this.turn;
    await this.file.close();
    for (const name of filesOf(this.kind)) await rm(join(out, name), { force: true });
  }
}

const filesOf = ({ name, parts }: Pick<PartKind<never>, 'name' | 'parts'>) =>
  [`${name}.json`, `${parts}.jsonl`] as const;
