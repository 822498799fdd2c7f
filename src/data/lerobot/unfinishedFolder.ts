import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { jsonText, makeFolder, readJson, writeFileAside } from '../../base/index.ts';

/** What a data set follows from: with another of these nothing is gone on with. */
export type Identity = Readonly<Record<string, unknown>>;

/** Where two identities differ, as JSON. */
interface Difference {
  readonly key: string;
  readonly was: string | undefined;
  readonly now: string | undefined;
}

/**
 * The folder `<out>.part`, in which a data set grows, with a file that says what it is to become. A process that dies
 * leaves it; whoever wants the same goes on there.
 */
export class UnfinishedFolder {
  readonly path: string;

  /** @param name of the file with the identity */
  constructor(
    out: string,
    private readonly name: string,
  ) {
    this.path = UnfinishedFolder.of(out);
  }

  static of = (out: string): string => `${resolve(out)}.part`;

  /** Whether something was begun. */
  get isBegun(): boolean {
    return existsSync(this.file);
  }

  async begin(identity: Identity): Promise<void> {
    await makeFolder(this.path);
    await writeFileAside(this.file, jsonText(identity));
  }

  /** The first thing in which what was begun is another one; undefined where it is the same. */
  async difference(identity: Identity): Promise<Difference | undefined> {
    const before: Identity = await readJson(this.file, z.record(z.string(), z.unknown()));
    const plain = JSON.parse(JSON.stringify(identity)) as Identity;
    for (const key of new Set([...Object.keys(before), ...Object.keys(plain)])) {
      const [was, now] = [JSON.stringify(before[key]), JSON.stringify(plain[key])];
      if (was !== now) return { key, was, now };
    }
    return undefined;
  }

  /** Whether a kill left it without anything in it, when it was being removed. */
  get isEmpty(): boolean {
    return existsSync(this.path) && readdirSync(this.path).length === 0;
  }

  /** Removes it, what tells about it last: a kill in between is seen by that, or by an empty folder. */
  async remove(): Promise<void> {
    const names = existsSync(this.path) ? readdirSync(this.path).filter((name) => name !== this.name) : [];
    for (const name of names) await rm(join(this.path, name), { recursive: true, force: true });
    await rm(this.path, { recursive: true, force: true });
  }

  private get file(): string {
    return join(this.path, this.name);
  }
}
