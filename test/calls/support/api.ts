import { request } from 'node:https';
import { WebSocket } from 'ws';
import type { ServerMessage } from '#appliance/contract/live.ts';
import { delay } from '#appliance/kernel/async.ts';

/** The product's API as a program uses it: Bearer token, the box's own CA. */
export class Api {
  readonly #port: number;
  readonly #ca: string | Buffer;
  #token: string | undefined;

  constructor(port: number, ca: string | Buffer) {
    this.#port = port;
    this.#ca = ca;
  }

  async signIn(username: string, password: string): Promise<this> {
    const answer = await this.post<{ token: string }>('/sessions', { username, password });
    this.#token = answer.token;
    return this;
  }

  get<T>(path: string): Promise<T> {
    return this.#send('GET', path);
  }
  post<T = unknown>(path: string, body: unknown = {}): Promise<T> {
    return this.#send('POST', path, body);
  }
  put<T = unknown>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
    return this.#send('PUT', path, body, headers);
  }
  patch<T = unknown>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
    return this.#send('PATCH', path, body, headers);
  }

  remove<T = unknown>(path: string, headers: Record<string, string> = { 'if-match': '*' }): Promise<T> {
    return this.#send('DELETE', path, undefined, headers);
  }
  /** Changes some fields of something, as it is now. */
  change<T = unknown>(path: string, fields: object): Promise<T> {
    return this.patch<T>(path, fields, { 'if-match': '*' });
  }

  delete(path: string): Promise<void> {
    return this.#send('DELETE', path);
  }

  /** The raw bytes of an answer, e.g. a recording's audio. */
  bytes(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }> {
    return this.#raw('GET', path, undefined, headers);
  }

  /** Something that is not JSON goes in: a recording, or garbage. */
  upload(
    path: string,
    body: Buffer | string,
    type: string,
    method = 'POST',
  ): Promise<{ status: number; body: Buffer }> {
    return this.#raw(method, path, body, { 'content-type': type });
  }

  /** Asks again until `test` is true of the answer. */
  async until<T>(path: string, test: (answer: T) => boolean, timeoutMs = 10_000): Promise<T> {
    const end = Date.now() + timeoutMs;
    let last: T | undefined;
    for (;;) {
      last = await this.get<T>(path);
      if (test(last)) return last;
      if (Date.now() > end)
        throw new Error(`${path} did not become so within ${timeoutMs} ms: ${JSON.stringify(last).slice(0, 2000)}`);
      await delay(50);
    }
  }

  /** The live feed: all messages so far, growing. */
  async live(topics: string[]): Promise<{ messages: ServerMessage[]; close(): void }> {
    const socket = new WebSocket(`wss://localhost:${this.#port}/api/v1/live`, {
      ca: this.#ca,
      headers: { authorization: `Bearer ${this.#token}` },
    });
    const messages: ServerMessage[] = [];
    socket.on('message', (data) => messages.push(JSON.parse(String(data)) as ServerMessage));
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    for (const topic of topics) socket.send(JSON.stringify({ subscribe: topic }));
    return { messages, close: () => socket.close() };
  }

  async #send<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const answer = await this.#raw(method, path, body, headers);
    const text = answer.body.toString();
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }

  #raw(method: string, path: string, body: unknown, headers: Record<string, string>) {
    return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
      const payload =
        body === undefined ? undefined : 'content-type' in headers ? (body as Buffer | string) : JSON.stringify(body);
      const req = request(
        {
          host: '127.0.0.1',
          port: this.#port,
          path: `/api/v1${path}`,
          method,
          ca: this.#ca,
          servername: 'localhost',
          headers: {
            ...(payload === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
            ...headers,
            ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}),
          },
        },
        (res) => {
          const chunks: Buffer[] = [];
          res.on('data', (chunk: Buffer) => chunks.push(chunk));
          res.on('end', () =>
            resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) }),
          );
        },
      );
      req.setTimeout(10_000, () => req.destroy(new Error(`${method} ${path}: no answer in 10 s`)));
      req.on('error', reject);
      req.end(payload);
    });
  }
}
