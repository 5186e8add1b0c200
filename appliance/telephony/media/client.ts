// `media` from the side of `voice`: requests with answers, events, and a connection that mends itself. A request that was under way
// when the connection broke is sent again - requests state a wanted end result - except digits, which would be heard twice.
import { connect, type Socket } from 'node:net';
import { Emitter } from '#appliance/kernel/emitter.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { LegStats, Media, MediaEvents } from './api.ts';
import { LineCutter } from './lines.ts';
import type { MediaHealth } from './messages.ts';
import { eventSchema, MAX_REPLY_BYTES, type Request, replySchema, type WireEvent } from './protocol.ts';

export interface MediaClientOptions {
  socketPath: string;
  log: { warn(fields: object, message: string): void };
  timeoutMs?: number;
}

interface Pending {
  op: Request['op'];
  line: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

const RECONNECT_MS = 25;
const START_MS = 5000;

/** What only the role itself asks. */
export interface MediaWithHealth extends Media {
  health(): Promise<MediaHealth>;
}

export function createMediaClient(options: MediaClientOptions): MediaWithHealth {
  return new MediaClient(options);
}

class MediaClient implements MediaWithHealth {
  readonly #socketPath: string;
  readonly #log: MediaClientOptions['log'];
  readonly #timeoutMs: number;
  readonly #emitter = new Emitter<MediaEvents>();
  readonly #pending = new Map<number, Pending>();
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #connected = false;
  #running = false;
  #generation = '';
  #n = 0;

  constructor({ socketPath, log, timeoutMs = 2000 }: MediaClientOptions) {
    this.#socketPath = socketPath;
    this.#log = log;
    this.#timeoutMs = timeoutMs;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Resolves with the first connection, or after 5 s without one: it keeps trying. */
  start(): Promise<void> {
    if (this.#running) return Promise.resolve();
    this.#running = true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#log.warn({ socketPath: this.#socketPath }, 'media is away');
        resolve();
      }, START_MS);
      const off = this.#emitter.on('connected', () => {
        clearTimeout(timer);
        off();
        resolve();
      });
      this.#connect();
    });
  }

  async stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#retry);
    this.#socket?.destroy();
    for (const n of [...this.#pending.keys()]) this.#settle(n)?.reject(new Error('media client stopped'));
  }

  on<K extends keyof MediaEvents>(name: K, listener: (event: MediaEvents[K]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  async createLeg(leg: Parameters<Media['createLeg']>[0]): Promise<{ port: number }> {
    return (await this.#ask({ op: 'leg.create', ...leg })) as { port: number };
  }

  async updateLeg(leg: Parameters<Media['updateLeg']>[0]): Promise<void> {
    await this.#ask({ op: 'leg.update', ...leg });
  }

  async deleteLeg(leg: string): Promise<LegStats | undefined> {
    return ((await this.#ask({ op: 'leg.delete', leg })) as LegStats | null) ?? undefined;
  }

  async route(routes: Parameters<Media['route']>[0]): Promise<void> {
    await this.#ask({ op: 'route', routes });
  }

  async blockDigits(leg: string, blocked: boolean): Promise<void> {
    await this.#ask({ op: 'digits.block', leg, blocked });
  }

  async sendDigits(leg: string, digits: string): Promise<void> {
    await this.#ask({ op: 'digits.send', leg, digits });
  }

  async startRecording(recording: Parameters<Media['startRecording']>[0]): Promise<void> {
    await this.#ask({ op: 'recording.start', ...recording });
  }

  async addToRecording(recording: string, leg: string, stream: number): Promise<void> {
    await this.#ask({ op: 'recording.add', recording, leg, stream });
  }

  async markRecording(recording: string, mark: Record<string, unknown>): Promise<void> {
    await this.#ask({ op: 'recording.mark', recording, mark });
  }

  async pauseRecording(recording: string): Promise<void> {
    await this.#ask({ op: 'recording.pause', recording });
  }

  async resumeRecording(recording: string): Promise<void> {
    await this.#ask({ op: 'recording.resume', recording });
  }

  async stopRecording(recording: string): Promise<void> {
    await this.#ask({ op: 'recording.stop', recording });
  }

  async stats(leg: string): Promise<LegStats | undefined> {
    return ((await this.#ask({ op: 'stats', leg })) as LegStats | null) ?? undefined;
  }

  async list(): Promise<{ legs: string[]; recordings: string[] }> {
    return (await this.#ask({ op: 'list' })) as { legs: string[]; recordings: string[] };
  }

  async health(): Promise<MediaHealth> {
    return (await this.#ask({ op: 'health' })) as MediaHealth;
  }

  #ask(request: Request): Promise<unknown> {
    if (!this.#running) return Promise.reject(new Error('media client is not started'));
    const n = ++this.#n;
    const line = `${JSON.stringify({ ...request, n })}\n`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const why = this.#connected ? 'did not answer' : 'is away';
        this.#settle(n)?.reject(new Error(`media ${why}: ${request.op} (${this.#timeoutMs} ms)`));
      }, this.#timeoutMs);
      this.#pending.set(n, { op: request.op, line, resolve, reject, timer });
      if (this.#connected) this.#send(line);
    });
  }

  /** Requests of one turn of the event loop are one write: a write costs more than most requests. */
  #send(line: string): void {
    const socket = this.#socket;
    if (!socket) return;
    if (socket.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    socket.write(line);
  }

  #connect(): void {
    const socket = connect(this.#socketPath);
    this.#socket = socket;
    const lines = new LineCutter(MAX_REPLY_BYTES);
    socket.on('connect', () => {
      this.#connected = true;
      for (const { line } of this.#pending.values()) socket.write(line);
    });
    socket.on('data', (chunk: Buffer) => {
      const complete = lines.push(chunk);
      if (complete) for (const line of complete) this.#line(line);
      else socket.destroy();
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.#closed());
  }

  #closed(): void {
    const was = this.#connected;
    this.#connected = false;
    if (!this.#running) return;
    for (const [n, { op }] of this.#pending) {
      if (was && op === 'digits.send') this.#settle(n)?.reject(new Error('media went away while digits were sent'));
    }
    if (was) this.#emitter.emit('disconnected', {});
    this.#retry = setTimeout(() => this.#connect(), RECONNECT_MS);
  }

  #line(line: string): void {
    try {
      const message: unknown = JSON.parse(line);
      // Events are many and have no n.
      const reply = isEvent(message) ? undefined : replySchema.safeParse(message);
      if (reply?.success) {
        const pending = this.#settle(reply.data.n);
        if ('error' in reply.data) pending?.reject(new Error(String(reply.data.error)));
        else pending?.resolve(reply.data.ok);
        return;
      }
      this.#event(eventSchema.parse(message));
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'media said something that cannot be understood');
    }
  }

  #event(event: WireEvent): void {
    if (event.event !== 'hello') {
      const { event: name, ...data } = event;
      this.#emitter.emit(name, data as never);
      return;
    }
    const before = this.#generation;
    this.#generation = event.generation;
    this.#emitter.emit('connected', {});
    if (before && before !== event.generation) this.#emitter.emit('restored', { legs: event.legs });
  }

  #settle(n: number): Pending | undefined {
    const pending = this.#pending.get(n);
    if (!pending) return undefined;
    this.#pending.delete(n);
    clearTimeout(pending.timer);
    return pending;
  }
}

function isEvent(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'event' in message;
}
