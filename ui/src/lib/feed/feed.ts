import type { ClientMessage, LiveTopic, ServerMessage } from '#appliance/contract/live.ts';

/** What the feed needs of a WebSocket; tests hand in their own. */
export interface Socket {
  send(text: string): void;
  close(): void;
  // Only ever set, never called, by the feed: so that a WebSocket fits as it is.
  onopen: ((this: never, event: never) => unknown) | null;
  onmessage: ((this: never, event: never) => unknown) | null;
  onclose: ((this: never, event: never) => unknown) | null;
}

export type FeedState =
  /** First connection, nothing known yet. */
  | 'connecting'
  /** Every topic has been read and the server answered lately. */
  | 'live'
  /** Connected, but the server has not been heard for too long. */
  | 'late'
  /** No connection; trying again. */
  | 'offline';

export interface FeedStatus {
  state: FeedState;
  /** Since when what is shown may be old (ms); undefined while live. */
  since: number | undefined;
  retryAt: number | undefined;
}

export interface TopicListener {
  snapshot(value: unknown): void;
  change(message: { set?: { id: string }[]; remove?: string[]; state?: unknown }): void;
  refused?(error: { code: string; message: string }): void;
}

export interface FeedOptions {
  open: () => Socket;
  now: () => number;
  random?: () => number;
  /** Told when the connection failed before it opened, or was closed for this reason: the session may have ended. */
  onrefused?: () => void;
  onstatus?: (status: FeedStatus) => void;
  /** Server time minus ours, for clocks on screen that must not follow a wrong PC. */
  onoffset?: (offsetMs: number) => void;
}

export const PING_EVERY_MS = 4_000;
export const LATE_AFTER_MS = 10_000;
export const GIVE_UP_AFTER_MS = 20_000;
export const OPEN_WITHIN_MS = 8_000;
/** The close code by which the box says that the session has ended. */
const SIGNED_OUT = 4401;
const BACK_OFF_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

interface Topic {
  listeners: Set<TopicListener>;
  /** Undefined until the snapshot of this connection has come. */
  seq: number | undefined;
  refused: boolean;
  /** The box cannot read it now; what is shown may be old since then. */
  behindSince: number | undefined;
}

/**
 * One connection to the live feed, watched. It owns no timer: `tick` is called about once a second
 * (by a worker, so that a hidden tab keeps its heart beating) and decides everything that depends on time.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #topics = new Map<LiveTopic, Topic>();
  #socket: Socket | undefined;
  #open = false;
  #openingSince = 0;
  #attempt = 0;
  #retryAt: number | undefined = 0;
  #heardAt: number;
  #pingedAt = 0;
  #everLive = false;
  #closed = false;
  #status: FeedStatus = { state: 'connecting', since: undefined, retryAt: undefined };

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#heardAt = options.now();
  }

  get status(): FeedStatus {
    return this.#status;
  }

  subscribe(topic: LiveTopic, listener: TopicListener): () => void {
    const known = this.#topics.get(topic);
    if (known) {
      known.listeners.add(listener);
      // The newcomer has nothing to show yet; a fresh snapshot serves all.
      this.#ask(topic);
    } else {
      this.#topics.set(topic, {
        listeners: new Set([listener]),
        seq: undefined,
        refused: false,
        behindSince: undefined,
      });
      this.#ask(topic);
    }
    return () => {
      const entry = this.#topics.get(topic);
      entry?.listeners.delete(listener);
      if (entry && entry.listeners.size === 0) {
        this.#topics.delete(topic);
        this.#send({ unsubscribe: topic });
        this.#review();
      }
    };
  }

  /** The network says that it is back, or a person pressed "try now". */
  retryNow(): void {
    if (this.#closed || this.#socket) return;
    this.#attempt = 0;
    this.#retryAt = this.#options.now();
    this.tick();
  }

  tick(): void {
    if (this.#closed) return;
    const now = this.#options.now();
    if (!this.#socket) {
      if (this.#retryAt !== undefined && now >= this.#retryAt) this.#connect(now);
    } else if (!this.#open) {
      if (now - this.#openingSince > OPEN_WITHIN_MS) this.#drop();
    } else {
      if (now - this.#heardAt > GIVE_UP_AFTER_MS) this.#drop();
      else if (now - this.#pingedAt >= PING_EVERY_MS) {
        this.#pingedAt = now;
        this.#send({ ping: now });
      }
    }
    this.#review();
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  #connect(now: number): void {
    this.#retryAt = undefined;
    this.#openingSince = now;
    const socket = this.#options.open();
    this.#socket = socket;
    socket.onopen = () => {
      this.#open = true;
      this.#heardAt = this.#pingedAt = this.#options.now();
      this.#send({ ping: this.#pingedAt });
      for (const topic of this.#topics.keys()) this.#ask(topic);
      this.#review();
    };
    socket.onmessage = (event: { data: unknown }) => this.#hear(event.data);
    socket.onclose = (event: { code: number }) => {
      if (!this.#open || event.code === SIGNED_OUT) this.#options.onrefused?.();
      this.#drop();
    };
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#open = false;
    for (const topic of this.#topics.values()) {
      topic.seq = undefined;
      topic.refused = false;
      topic.behindSince = undefined;
    }
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    if (!this.#closed && this.#retryAt === undefined) {
      const base = BACK_OFF_MS[Math.min(this.#attempt, BACK_OFF_MS.length - 1)] ?? 15_000;
      // Half fixed, half by chance: three hundred screens must not return in the same instant.
      this.#retryAt = this.#options.now() + base / 2 + (this.#options.random ?? Math.random)() * base;
      this.#attempt += 1;
    }
    this.#review();
  }

  #hear(data: unknown): void {
    this.#heardAt = this.#options.now();
    const message = parse(data);
    if (!message) return;
    if ('pong' in message) {
      const trip = this.#heardAt - message.pong;
      if (trip >= 0 && trip < 2_000) this.#options.onoffset?.(Date.parse(message.at) - (message.pong + trip / 2));
    } else if ('error' in message) {
      const topic = message.topic && this.#topics.get(message.topic);
      if (topic) {
        topic.refused = message.error.code === 'forbidden' || message.error.code === 'not-found';
        if (!topic.refused) {
          topic.behindSince = this.#heardAt;
          this.#review();
          return;
        }
        for (const listener of topic.listeners) listener.refused?.(message.error);
      }
    } else {
      this.#take(message);
    }
    this.#review();
  }

  #take(message: Extract<ServerMessage, { seq: number }>): void {
    const topic = this.#topics.get(message.topic);
    if (!topic) return;
    if ('snapshot' in message) {
      topic.seq = message.seq;
      topic.behindSince = undefined;
      for (const listener of topic.listeners) listener.snapshot(message.snapshot);
      return;
    }
    // Changes before our snapshot are part of it; a repeated one is old.
    if (topic.seq === undefined || message.seq <= topic.seq) return;
    if (message.seq !== topic.seq + 1) {
      this.#ask(message.topic);
      return;
    }
    topic.seq = message.seq;
    for (const listener of topic.listeners) listener.change(message);
  }

  #ask(name: LiveTopic): void {
    const topic = this.#topics.get(name);
    if (!topic || !this.#open) return;
    topic.seq = undefined;
    topic.refused = false;
    this.#send({ subscribe: name });
  }

  #send(message: ClientMessage): void {
    if (this.#open) this.#socket?.send(JSON.stringify(message));
  }

  #review(): void {
    const now = this.#options.now();
    const next = this.#assess(now);
    const old = this.#status;
    if (next.state === 'live') {
      this.#everLive = true;
      this.#attempt = 0;
    }
    if (next.state === old.state && next.since === old.since && next.retryAt === old.retryAt) return;
    this.#status = next;
    this.#options.onstatus?.(next);
  }

  #assess(now: number): FeedStatus {
    const since = this.#status.since ?? this.#heardAt;
    if (!this.#open) {
      const state = this.#everLive || this.#attempt > 0 ? 'offline' : 'connecting';
      return { state, since: this.#everLive ? since : undefined, retryAt: this.#retryAt };
    }
    const complete = [...this.#topics.values()].every((topic) => topic.seq !== undefined || topic.refused);
    if (now - this.#heardAt > LATE_AFTER_MS) return { state: 'late', since: this.#heardAt, retryAt: undefined };
    const behind = [...this.#topics.values()].map((topic) => topic.behindSince).filter((at) => at !== undefined);
    if (behind.length > 0) return { state: 'late', since: Math.min(...behind), retryAt: undefined };
    if (complete) return { state: 'live', since: undefined, retryAt: undefined };
    // A gap is being re-read: a short moment is no news, what is shown is still the last consistent state.
    if (this.#status.state === 'live') return this.#status;
    return {
      state: this.#everLive ? 'late' : 'connecting',
      since: this.#everLive ? since : undefined,
      retryAt: undefined,
    };
  }
}

function parse(data: unknown): ServerMessage | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as ServerMessage) : undefined;
  } catch {
    return undefined;
  }
}
