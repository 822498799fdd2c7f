import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile, rm, truncate } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { InputError, jsonText, makeFolder, readJson, writeFileAside } from '../../base/index.ts';
import type { EncodedEpisode } from '../../data/index.ts';
import type { DemoPlayed } from './demos.worker.ts';

/** A scene whose episodes are on disk, and what the data set's index needs of them. */
export interface FinishedScene {
  readonly task: number;
  readonly scene: number;
  readonly played: DemoPlayed;
  readonly written: readonly EncodedEpisode[];
}

/** What the episodes follow from: with another of these they must not be mixed. */
export type DemoIdentity = Readonly<Record<string, unknown>>;

const IDENTITY = 'demos.json';
const SCENES = 'scenes.jsonl';

/**
 * A data set of demonstrations on its way: the folder `<out>.part`, with a line for each scene that is done. A process
 * that dies leaves it, and the next one goes on from there.
 */
export class UnfinishedDemos {
  private readonly done = new Map<string, FinishedScene>();
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly folder: string,
    private readonly file: FileHandle,
    scenes: readonly FinishedScene[],
  ) {
    for (const scene of scenes) this.done.set(`${scene.task}/${scene.scene}`, scene);
  }

  static folderOf = (out: string): string => `${resolve(out)}.part`;

  /** @throws InputError when there is one and `resume` is not set, none and it is, or one of other settings */
  static async open(
    out: string,
    identity: DemoIdentity,
    { resume = false, replace = false }: { readonly resume?: boolean; readonly replace?: boolean },
  ): Promise<UnfinishedDemos> {
    const folder = UnfinishedDemos.folderOf(out);
    if (existsSync(out) && !replace)
      throw new InputError(
        out,
        `exists already${resume ? ' and is finished' : ''}. Choose another folder or remove it first.`,
      );
    const isThere = existsSync(join(folder, IDENTITY));
    if (isThere && !resume)
      throw new InputError(folder, 'holds an unfinished data set. Add --resume to go on with it, or remove it.');
    if (!isThere && resume)
      throw new InputError(out, `there is nothing to go on with (no ${folder}). Leave --resume out to begin.`);
    if (isThere)
      requireSame(folder, await readJson(join(folder, IDENTITY), z.record(z.string(), z.unknown())), identity);
    else {
      await makeFolder(folder);
      await writeFileAside(join(folder, IDENTITY), jsonText(identity));
    }
    const path = join(folder, SCENES);
    const text = existsSync(path) ? await readFile(path, 'utf8') : '';
    const whole = text.slice(0, text.lastIndexOf('\n') + 1); // a line counts when its end is written
    if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
    const scenes = whole
      .split('\n')
      .filter(Boolean)
      .map((line, i) => sceneOf(line, `${path}:${i + 1}`));
    return new UnfinishedDemos(folder, await open(path, 'a'), scenes);
  }

  /** Episodes that are done. */
  get episodes(): number {
    return [...this.done.values()].reduce((sum, { written }) => sum + written.length, 0);
  }

  /** What a scene gave, if it is done. */
  past(task: number, scene: number): FinishedScene | undefined {
    return this.done.get(`${task}/${scene}`);
  }

  append(scene: FinishedScene): Promise<void> {
    const write = this.turn.then(async () => {
      await this.file.appendFile(`${JSON.stringify(scene)}\n`);
      this.done.set(`${scene.task}/${scene.scene}`, scene);
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
    for (const name of [IDENTITY, SCENES]) await rm(join(out, name), { force: true });
  }
}

function sceneOf(line: string, where: string): FinishedScene {
  try {
    return JSON.parse(line) as FinishedScene;
  } catch {
    throw new InputError(where, 'is no JSON. Remove the folder to begin again.');
  }
}

function requireSame(folder: string, was: DemoIdentity, now: DemoIdentity): void {
  const plain = JSON.parse(JSON.stringify(now)) as DemoIdentity;
  for (const key of new Set([...Object.keys(was), ...Object.keys(plain)])) {
    const [a, b] = [JSON.stringify(was[key]), JSON.stringify(plain[key])];
    if (a !== b)
      throw new InputError(
        folder,
        `was begun with another ${key} (got ${b}, it has ${a}). Go on with the same options, or remove it.`,
      );
  }
}
