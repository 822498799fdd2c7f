import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileServer, serveFiles } from '../../../test/support/fileServer.ts';
import { RemoteFolder } from './remoteFolder.ts';
import { authorization } from './settings.ts';

const RANGE = 1000;
let folder: string;
let server: FileServer;
const bytes = randomBytes(4 * RANGE + 7);
const served = (name: string) => join(folder, 'served', 'set', name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-remote-'));
  await mkdir(served('data'), { recursive: true });
  await writeFile(served('data/a b.bin'), bytes);
  server = await serveFiles(join(folder, 'served'));
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const open = (changes: Parameters<typeof RemoteFolder.open>[1] = {}, address = `${server.address}/set`) =>
  RemoteFolder.open(address, {
    cacheDir: join(folder, 'cache'),
    rangeBytes: RANGE,
    retryMs: 1,
    timeoutMs: 5000,
    since: Date.now(),
    ...changes,
  });
const read = (remote: RemoteFolder, name = 'data/a b.bin') => {
  const path = join(remote.root, name);
  return remote.using([path], () => readFile(path));
};

describe('a folder on a server', () => {
  test('is read in ranges, once, and compared once a run', async () => {
    const remote = await open();
    expect(await read(remote)).toEqual(bytes);
    expect(server.requests.map(({ range }) => range)).toEqual(
      [0, 1, 2, 3, 4].map((i) => `bytes=${i * RANGE}-${(i + 1) * RANGE - 1}`),
    );
    expect(await read(remote)).toEqual(bytes);
    expect(server.requests).toHaveLength(5);
    const next = await open({ since: Date.now() + 1 });
    expect(await read(next)).toEqual(bytes);
    expect(server.requests).toHaveLength(6);
    expect(server.sent).toBe(bytes.length);
  });

  test('a file that changed since the last run is fetched anew', async () => {
    await read(await open());
    const other = randomBytes(bytes.length);
    await writeFile(served('data/a b.bin'), other);
    expect(await read(await open({ since: Date.now() + 1 }))).toEqual(other);
  });

  test('without versions, the length is compared', async () => {
    server.options.versions = false;
    expect(await read(await open())).toEqual(bytes);
    await writeFile(served('data/a b.bin'), bytes.subarray(0, 10));
    expect(await read(await open({ since: Date.now() + 1 }))).toEqual(bytes.subarray(0, 10));
  });

  test('a server without ranges sends it whole', async () => {
    server.options.ranges = false;
    expect(await read(await open())).toEqual(bytes);
    expect(server.requests).toHaveLength(1);
  });

  test('an empty file is one', async () => {
    await writeFile(served('data/empty'), '');
    expect(await read(await open(), 'data/empty')).toHaveLength(0);
  });

  test('a connection that breaks, a busy server and silence are tried again', async () => {
    let count = 0;
    server.options.before = (_, response) => {
      count++;
      if (count === 2) response.destroy();
      else if (count === 3) response.writeHead(503).end();
      else if (count === 4)
        return true; // says nothing
      else if (count === 5) {
        const whole = { 'content-length': RANGE, 'content-range': `bytes ${RANGE}-${2 * RANGE - 1}/${bytes.length}` };
        response.writeHead(206, whole).write(bytes.subarray(RANGE, RANGE + 10), () => response.destroy());
      } else return false;
      return true;
    };
    server.options.versions = false;
    expect(await read(await open({ timeoutMs: 1000 }))).toEqual(bytes);
    expect(count).toBeGreaterThanOrEqual(8);
  });

  test('a server that is not there is one clear error', async () => {
    const { address } = server;
    await server[Symbol.asyncDispose]();
    const remote = await open({}, `${address}/set`);
    await expect(read(remote)).rejects.toThrow(/127\.0\.0\.1.*cannot be fetched \(got .*ECONNREFUSED.*tried 6 times/);
    server = await serveFiles(folder);
  });

  test('a file that is not there says what to do, and is asked for once', async () => {
    const remote = await open();
    await expect(read(remote, 'data/none')).rejects.toThrow(/set\/data\/none: .*404.*--available/);
    await expect(read(remote, 'data/none')).rejects.toThrow(/404/);
    expect(server.requests).toHaveLength(1);
    expect(await remote.there([join(remote.root, 'data/none'), join(remote.root, 'data/a b.bin')])).toEqual(
      new Set([join(remote.root, 'data/a b.bin')]),
    );
  });

  test('a file that changes between two ranges begins anew; one that always does is given up', async () => {
    const other = randomBytes(bytes.length);
    let count = 0;
    let each: (count: number) => Buffer | undefined = (n) => (n === 3 ? other : undefined);
    let current: Buffer = bytes;
    server.options.before = (request, response) => {
      current = each(++count) ?? current;
      const [, from = 0] = /bytes=(\d+)/.exec(request.headers.range ?? '') ?? [];
      const part = current.subarray(Number(from), Number(from) + RANGE);
      const etag = `"${current.subarray(0, 8).toString('hex')}"`;
      const wanted = request.headers['if-range'];
      if (wanted !== undefined && wanted !== etag) {
        response.writeHead(200, { etag, 'content-length': current.length }).end(current);
        return true;
      }
      const range = `bytes ${from}-${Number(from) + part.length - 1}/${current.length}`;
      response.writeHead(206, { etag, 'content-length': part.length, 'content-range': range }).end(part);
      return true;
    };
    expect(await read(await open())).toEqual(other);
    each = () => randomBytes(bytes.length);
    server.options.ranges = true;
    const breaking = server.options.before;
    server.options.before = (request, response) => {
      delete request.headers['if-range']; // a server that does not know it
      return breaking(request, response);
    };
    await expect(read(await open({ since: Date.now() + 1 }))).rejects.toThrow(/changes while it is read/);
  });

  test('what a killed run left is gone on with', async () => {
    const remote = await open();
    server.options.before = (request, response) => {
      if (request.headers.range?.startsWith(`bytes=${3 * RANGE}-`)) response.writeHead(400).end();
      return response.writableEnded;
    };
    await expect(read(remote)).rejects.toThrow(/status 400/);
    server.options.before = undefined;
    server.requests.length = 0;
    expect(await read(await open())).toEqual(bytes);
    expect(server.requests[0]?.range).toBe(`bytes=${3 * RANGE}-${4 * RANGE - 1}`);
  });

  test('redirects are followed, and other hosts are not told the token', async () => {
    process.env['VALET_DATA_TOKEN'] = 'sesame-1';
    try {
      await using front = await serveFiles(folder);
      front.options.before = (request, response) => {
        response.writeHead(302, { location: `${server.address}${request.url}` }).end();
        return true;
      };
      expect(await read(await open({}, `${front.address}/set`))).toEqual(bytes);
      expect(front.requests[0]?.word).toBe('Bearer sesame-1');
      expect(server.requests.map(({ word }) => word)).toEqual(new Array(5).fill(undefined));
    } finally {
      delete process.env['VALET_DATA_TOKEN'];
    }
  });

  test('a refusal says how to give a token, and never shows it', async () => {
    server.options.authorization = 'Bearer right';
    const file = join(folder, 'token');
    await writeFile(file, 'wrong-secret\n');
    process.env['VALET_DATA_TOKEN_FILE'] = file;
    try {
      const error = await read(await open()).catch((thrown: Error) => thrown);
      expect(String(error)).toMatch(/status 401.*VALET_DATA_TOKEN_FILE/);
      expect(JSON.stringify([String(error), (error as Error).stack])).not.toContain('secret');
      await writeFile(file, 'right\n');
      expect(await read(await open())).toEqual(bytes);
      for (const name of await readdir(join(folder, 'cache'), { recursive: true, withFileTypes: true }))
        if (name.isFile())
          expect(await readFile(join(name.parentPath, name.name), 'latin1')).not.toContain('Bearer right');
    } finally {
      delete process.env['VALET_DATA_TOKEN_FILE'];
    }
  });

  test('a token goes to its own server, and not in the clear', async () => {
    expect(await authorization('https://example.org/a', { HF_TOKEN: 'x' })).toBeUndefined();
    expect(await authorization('https://huggingface.co/a', { HF_TOKEN: 'x' })).toBe('Bearer x');
    expect(await authorization('https://example.org/a', { VALET_DATA_TOKEN: 'Basic eDp5' })).toBe('Basic eDp5');
    await expect(authorization('http://example.org/a', { VALET_DATA_TOKEN: 'x' })).rejects.toThrow(/Use https/);
    await expect(RemoteFolder.open('https://me:pw@example.org/a')).rejects.toThrow(/^https:\/\/example.org\/a: /);
    await expect(RemoteFolder.open('https://example.org/a?sig=pw')).rejects.toThrow(/^https:\/\/example.org\/a: /);
  });

  test('the least recently used files go; those in use stay', async () => {
    const names = ['1', '2', '3', '4', '5', '6'];
    for (const name of names) await writeFile(served(name), randomBytes(RANGE));
    const remote = await open({ cacheBytes: 3.5 * RANGE });
    const here = () => names.filter((name) => existsSync(join(remote.root, name)));
    await remote.using([join(remote.root, '1')], async () => {
      for (const name of names.slice(1)) await read(remote, name);
      expect(here()).toContain('1');
      expect(here()).toContain('6');
      const sizes = await Promise.all(here().map(async (name) => (await stat(join(remote.root, name))).size));
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(3.5 * RANGE);
    });
    await expect(read(remote)).rejects.toThrow(/has 4007 bytes, the cache .* may take 3500.*VALET_DATA_CACHE/);
  });
});
