// The door of `media`: a Unix socket that only our user may open.
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '#appliance/kernel/errors.ts';
import { LineCutter } from './lines.ts';
import { MAX_REQUEST_BYTES, type Request, requestSchema, type WireEvent } from './protocol.ts';

const MAX_CLIENTS = 32;
const MAX_UNREAD_BYTES = 8 << 20;

export class ControlServer {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();
  readonly #handle: (request: Request) => Promise<unknown>;
  readonly #hello: () => WireEvent;

  constructor(handle: (request: Request) => Promise<unknown>, hello: () => WireEvent) {
    this.#handle = handle;
    this.#hello = hello;
    this.#server = createServer((socket) => this.#connected(socket));
  }

  listen(path: string): Promise<void> {
    rmSync(path, { force: true });
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, () => {
        chmodSync(path, 0o600);
        resolve();
      });
    });
  }

  tell(event: WireEvent): void {
    const line = `${JSON.stringify(event)}\n`;
    for (const client of this.#clients) this.#write(client, line);
  }

  close(): void {
    this.#server.close();
    for (const client of this.#clients) client.destroy();
  }

  #connected(socket: Socket): void {
    if (this.#clients.size >= MAX_CLIENTS) {
      socket.destroy();
      return;
    }
    this.#clients.add(socket);
    const lines = new LineCutter(MAX_REQUEST_BYTES);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#clients.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      const complete = lines.push(chunk);
      if (!complete) {
        this.#write(socket, `${JSON.stringify({ n: 0, error: `request longer than ${MAX_REQUEST_BYTES} bytes` })}\n`);
        socket.end();
        return;
      }
      for (const line of complete) void this.#request(socket, line);
    });
    this.#write(socket, `${JSON.stringify(this.#hello())}\n`);
  }

  async #request(socket: Socket, line: string): Promise<void> {
    let n = 0;
    try {
      const { n: given, ...rest } = objectOf(line);
      if (typeof given !== 'number' || !Number.isSafeInteger(given)) throw new Error('request without a number n');
      n = given;
      const parsed = requestSchema.safeParse(rest);
      if (!parsed.success) throw new Error(`bad request: ${firstIssue(parsed.error.issues)}`);
      const ok = await this.#handle(parsed.data);
      this.#write(socket, `${JSON.stringify({ n, ok: ok ?? null })}\n`);
    } catch (error) {
      this.#write(socket, `${JSON.stringify({ n, error: messageOf(error) })}\n`);
    }
  }

  #write(socket: Socket, line: string): void {
    if (socket.destroyed) return;
    if (socket.writableLength > MAX_UNREAD_BYTES) {
      socket.destroy(); // it does not read: it may come back and list
      return;
    }
    // Answers of one moment are one write.
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    socket.write(line);
  }
}

function objectOf(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('request is no object');
  return value as Record<string, unknown>;
}

function firstIssue(issues: { path: PropertyKey[]; message: string }[]): string {
  const issue = issues[0];
  return issue ? `${issue.path.join('.') || 'request'}: ${issue.message}` : 'unknown';
}
