import type { WebSocket } from 'ws';
import type { Actor } from '#appliance/contract/identity.ts';
import type { ServerMessage } from '#appliance/contract/live.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { LiveHub } from './hub.ts';
import type { LiveInstance, Watcher } from './instance.ts';

export const LIMITS = {
  messageBytes: 2048,
  subscriptions: 100,
  /** Messages of the client per second, with this many in reserve. */
  messagesPerS: 20,
  burst: 100,
  /** Above this much unsent, changes are dropped; below a quarter, a whole snapshot follows. */
  bufferedBytes: 1024 * 1024,
  /** Behind for this long: let it go and come back. */
  behindMs: 20_000,
  pingEveryMs: 20_000,
} as const;
const DRAIN_CHECK_MS = 250;

/** Close codes of our own (RFC 6455 §7.4.2). */
export const CLOSE = { signedOut: 4401, tooFast: 4429, tooSlow: 4408, stopping: 1001, invalid: 1008 } as const;

interface Deps {
  socket: WebSocket;
  actor: Actor;
  hub: LiveHub;
  clock: Clock;
  log: Log;
  /** For tests of slow readers. */
  bufferedBytes?: number;
}

/** One screen. Says what it wants to see, and is told. */
export class LiveConnection implements Watcher {
  readonly actor: Actor;
  readonly #socket: WebSocket;
  readonly #deps: Deps;
  readonly #maxBuffered: number;
  readonly #watched = new Map<string, LiveInstance>();
  #tokens: number = LIMITS.burst;
  #tokensAtMs: number;
  #behindSinceMs: number | undefined;
  #cancelDrain: (() => void) | undefined;
  #cancelPing: (() => void) | undefined;
  #answered = true;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#socket = deps.socket;
    this.actor = deps.actor;
    this.#maxBuffered = deps.bufferedBytes ?? LIMITS.bufferedBytes;
    this.#tokensAtMs = deps.clock.now().getTime();
    this.#socket.on('message', (data, isBinary) => this.#received(isBinary ? undefined : String(data)));
    this.#socket.on('pong', () => {
      this.#answered = true;
    });
    this.#socket.on('error', () => this.#socket.terminate());
    this.#socket.on('close', () => this.#ended());
    this.#pingLater();
  }

  offer(message: string): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return true; // gone: nothing to catch up with
    if (this.#socket.bufferedAmount > this.#maxBuffered) {
      this.#fallBehind();
      return false;
    }
    this.#socket.send(message);
    return true;
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    // A peer that does not answer the closing handshake is not waited for.
    this.#deps.clock.after(3000, () => this.#socket.terminate());
  }

  #received(text: string | undefined): void {
    if (!this.#allowed()) {
      this.close(CLOSE.tooFast, 'too many messages');
      return;
    }
    const message = text === undefined ? undefined : readMessage(text);
    if (!message) this.#say({ error: { code: 'malformed', message: 'Expected {subscribe}, {unsubscribe} or {ping}' } });
    else if ('ping' in message) this.#say({ pong: message.ping, at: this.#deps.clock.now().toISOString() });
    else if ('unsubscribe' in message) this.#unsubscribe(message.unsubscribe);
    else this.#subscribe(message.subscribe);
  }

  #subscribe(topic: string): void {
    this.#unsubscribe(topic); // subscribing again asks for the whole again
    try {
      if (this.#watched.size >= LIMITS.subscriptions)
        throw new AppError('too-many', 'too-many-topics', `At most ${LIMITS.subscriptions} topics`);
      // Set before joining: a refusal that comes at once takes it off again.
      this.#watched.set(topic, this.#deps.hub.watch(topic, this));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#say({ error: { code: error.code, message: error.message }, topic: topic.slice(0, 100) as 'me' });
    }
  }

  #unsubscribe(topic: string): void {
    const instance = this.#watched.get(topic);
    if (!instance) return;
    this.#watched.delete(topic);
    this.#deps.hub.unwatch(instance, this);
  }

  #say(message: ServerMessage): void {
    this.offer(JSON.stringify(message));
  }

  #fallBehind(): void {
    this.#behindSinceMs ??= this.#deps.clock.now().getTime();
    this.#cancelDrain ??= this.#deps.clock.after(DRAIN_CHECK_MS, () => {
      this.#cancelDrain = undefined;
      this.#checkDrained();
    });
  }

  #checkDrained(): void {
    if (this.#behindSinceMs === undefined || this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount <= this.#maxBuffered / 4) {
      this.#behindSinceMs = undefined;
      for (const instance of this.#watched.values()) instance.resume(this);
      return;
    }
    if (this.#deps.clock.now().getTime() - this.#behindSinceMs > LIMITS.behindMs) {
      this.#deps.log.warn(
        { user: this.actor.username, address: this.actor.address },
        'a live feed was too slow and is closed',
      );
      this.#socket.terminate(); // a close frame would only join the queue
      return;
    }
    this.#fallBehind();
  }

  #pingLater(): void {
    this.#cancelPing = this.#deps.clock.after(LIMITS.pingEveryMs, () => {
      if (!this.#answered) return this.#socket.terminate();
      this.#answered = false;
      this.#socket.ping();
      this.#pingLater();
    });
  }

  #allowed(): boolean {
    const nowMs = this.#deps.clock.now().getTime();
    this.#tokens = Math.min(LIMITS.burst, this.#tokens + ((nowMs - this.#tokensAtMs) / 1000) * LIMITS.messagesPerS);
    this.#tokensAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #ended(): void {
    this.#cancelPing?.();
    this.#cancelDrain?.();
    for (const instance of this.#watched.values()) this.#deps.hub.unwatch(instance, this);
    this.#watched.clear();
  }
}

type Wanted = { subscribe: string } | { unsubscribe: string } | { ping: number };

function readMessage(text: string): Wanted | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { subscribe, unsubscribe, ping } = value as Record<string, unknown>;
  if (typeof subscribe === 'string') return { subscribe };
  if (typeof unsubscribe === 'string') return { unsubscribe };
  if (typeof ping === 'number') return { ping };
  return undefined;
}
