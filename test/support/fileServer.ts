import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** How a server of files behaves; changed at any time. */
export interface FileServerOptions {
  /** Answers ranges; true when left out. */
  ranges?: boolean;
  /** Sends ETag and Last-Modified; true when left out. */
  versions?: boolean;
  /** The header `authorization` that is wanted. */
  authorization?: string | undefined;
  /** Called before an answer; true when it has answered (or broken off) itself. */
  before?: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
}

/** A real HTTP server of the files of a folder, without listings. */
export interface FileServer extends AsyncDisposable {
  readonly address: string;
  readonly options: FileServerOptions;
  /** Paths and ranges asked for so far. */
  readonly requests: { readonly path: string; readonly range: string | undefined; readonly word: string | undefined }[];
  /** Bytes of bodies sent so far. */
  sent: number;
}

export async function serveFiles(folder: string, options: FileServerOptions = {}): Promise<FileServer> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => response.destroy(error));
  });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = decodeURIComponent(request.url ?? '/');
    const { range, authorization, 'if-none-match': known, 'if-range': same } = request.headers;
    its.requests.push({ path, range, word: authorization });
    if (its.options.before?.(request, response)) return;
    if (its.options.authorization !== undefined && authorization !== its.options.authorization)
      return void response.writeHead(401).end();
    const bytes = await readFile(join(folder, path)).catch(() => undefined);
    if (!bytes) return void response.writeHead(404).end('no such file');
    const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`;
    const versions = its.options.versions !== false ? { etag } : undefined;
    if (versions && known === etag) return void response.writeHead(304, versions).end();
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
    const partial = from !== undefined && its.options.ranges !== false && (same === undefined || same === etag);
    if (partial && Number(from) >= bytes.length)
      return void response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    const end = partial ? Math.min(Number(to), bytes.length - 1) : bytes.length - 1;
    const body = partial ? bytes.subarray(Number(from), end + 1) : bytes;
    its.sent += body.length;
    const length = { 'content-length': body.length };
    if (partial)
      response.writeHead(206, { ...versions, ...length, 'content-range': `bytes ${from}-${end}/${bytes.length}` });
    else response.writeHead(200, { ...versions, ...length });
    response.end(body);
  };
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  server.unref();
  const its: FileServer = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    options,
    requests: [],
    sent: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return its;
}
