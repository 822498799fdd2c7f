import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../log.ts';
import { hasKey } from './access.ts';
import type { Metrics } from './metrics.ts';
import { requestPath } from './requestPath.ts';
import type { Json } from './serverOptions.ts';

export const NOT_READY = 'No plan can be made now.\n';
export const WRONG_KEY = 'The API key is missing or wrong.\n';

export interface PagesOptions {
  readonly apiKey: string | undefined;
  /** The path below which the server stands. */
  readonly prefix: string | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly isReady: () => boolean;
  /** Somebody asked while the server was not ready. */
  readonly retry: () => void;
  /** What /info says. */
  readonly info: () => Json;
}

interface Page {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The pages of a policy server: /healthz, /info, /metrics; anything else is told to open a websocket. */
export class Pages {
  constructor(private readonly options: PagesOptions) {}

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body, headers } = await this.page(request).catch((error: Error): Page => {
      this.options.log.error({ err: error }, 'request failed');
      return { status: 500, body: 'Internal error.\n' };
    });
    response.writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'X-Content-Type-Options': 'nosniff',
      ...headers,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  private async page(request: IncomingMessage): Promise<Page> {
    const { apiKey, prefix, isReady, retry, info } = this.options;
    const { path } = requestPath(request.url, prefix);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return { status: 405, body: 'Method not allowed.\n', headers: { Allow: 'GET, HEAD' } };
    if (path === '/healthz') {
      retry();
      return isReady() ? { status: 200, body: 'OK\n' } : { status: 503, body: NOT_READY };
    }
    if (path !== '/info' && path !== '/metrics')
      return { status: 426, body: 'This is a policy server: open a websocket.\n', headers: { Upgrade: 'websocket' } };
    if (!hasKey(request, apiKey)) return { status: 401, body: WRONG_KEY, headers: { 'WWW-Authenticate': 'Api-Key' } };
    return path === '/info' ? jsonPage(info()) : this.metricsPage();
  }

  private async metricsPage(): Promise<Page> {
    const { metrics, isReady } = this.options;
    metrics.ready.set(isReady() ? 1 : 0);
    const { registry } = metrics;
    return { status: 200, body: await registry.metrics(), headers: { 'Content-Type': registry.contentType } };
  }
}

const jsonPage = (value: Json): Page => ({
  status: 200,
  body: `${JSON.stringify(value)}\n`,
  headers: { 'Content-Type': 'application/json; charset=utf-8' },
});
