import type { CallToTake } from '#appliance/contract/calls.ts';
import type { Alarm, DeskMessage, LiveTopic, MeLive } from '#appliance/contract/live.ts';
import type { AgentLive, QueueLive } from '#appliance/contract/work.ts';
import { clock } from './clock.svelte.ts';
import { Feed, type FeedStatus } from './feed.ts';

/** No beat for so long: the page was asleep, or the whole computer. */
const SLEPT_MS = 10_000;

/** The live topics a page shows, kept true by one watched connection. Made at sign-in, closed at sign-out. */
export class Live {
  readonly #feed: Feed;
  readonly #worker: Worker;
  readonly #onwake: () => void;
  #beatAt = Date.now();
  #status = $state.raw<FeedStatus>({ state: 'connecting', since: undefined, retryAt: undefined });
  readonly me: TopicValue<MeLive>;
  readonly queues: TopicList<QueueLive>;
  readonly agents: TopicList<AgentLive>;
  readonly alarms: TopicList<Alarm>;
  readonly messages: TopicList<DeskMessage>;
  readonly calls: TopicList<CallToTake>;
  readonly voicemails: TopicValue<{ fresh: number; heard: number }>;

  constructor({ onrefused, onwake }: { onrefused: () => void; onwake: () => void }) {
    this.#onwake = onwake;
    this.#feed = new Feed({
      open: () => new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/v1/live`),
      now: () => Date.now(),
      onrefused,
      onstatus: (status) => {
        this.#status = status;
      },
      onoffset: (offsetMs) => {
        clock.offsetMs = offsetMs;
      },
    });
    this.me = new TopicValue(this.#feed, 'me');
    this.queues = new TopicList(this.#feed, 'queues');
    this.agents = new TopicList(this.#feed, 'agents');
    this.alarms = new TopicList(this.#feed, 'alarms');
    this.messages = new TopicList(this.#feed, 'messages');
    this.calls = new TopicList(this.#feed, 'calls');
    this.voicemails = new TopicValue(this.#feed, 'voicemails');
    this.#worker = new Worker(new URL('./heartbeat.worker.ts', import.meta.url), { type: 'module' });
    this.#worker.onmessage = () => this.#beat();
    window.addEventListener('online', this.#online);
    document.addEventListener('visibilitychange', this.#online);
    this.#beat();
  }

  get status(): FeedStatus {
    return this.#status;
  }

  /** What is on the screen may be old: grey it. */
  get stale(): boolean {
    return this.#status.state === 'late' || this.#status.state === 'offline';
  }

  value<T>(topic: LiveTopic): TopicValue<T> {
    return new TopicValue<T>(this.#feed, topic);
  }

  retryNow(): void {
    this.#feed.retryNow();
  }

  close(): void {
    window.removeEventListener('online', this.#online);
    document.removeEventListener('visibilitychange', this.#online);
    this.#worker.terminate();
    this.#feed.close();
  }

  #beat(): void {
    const gapMs = Date.now() - this.#beatAt;
    this.#beatAt += gapMs;
    if (gapMs > SLEPT_MS) this.#onwake();
    clock.tick();
    this.#feed.tick();
  }

  // A laptop that wakes up must not wait for the next back-off.
  readonly #online = (): void => {
    if (document.visibilityState === 'visible') this.#feed.retryNow();
    this.#beat();
  };
}

/** A topic that is one object. Subscribed while somebody holds it. */
export class TopicValue<T> {
  #value = $state.raw<T | undefined>(undefined);
  #refused = $state.raw<string | undefined>(undefined);
  readonly hold: () => () => void;

  constructor(feed: Feed, topic: LiveTopic) {
    this.hold = () =>
      feed.subscribe(topic, {
        snapshot: (value) => {
          this.#value = value as T;
          this.#refused = undefined;
        },
        change: (message) => {
          if (message.state !== undefined) this.#value = message.state as T;
        },
        refused: (error) => {
          this.#refused = error.code;
        },
      });
  }

  get current(): T | undefined {
    return this.#value;
  }

  get refused(): string | undefined {
    return this.#refused;
  }
}

/** A topic that is a list of things with ids. */
export class TopicList<T extends { id: string }> {
  #byId = $state.raw<ReadonlyMap<string, T> | undefined>(undefined);
  #refused = $state.raw<string | undefined>(undefined);
  readonly all: T[] = $derived([...(this.#byId?.values() ?? [])]);
  readonly hold: () => () => void;

  constructor(feed: Feed, topic: LiveTopic) {
    this.hold = () =>
      feed.subscribe(topic, {
        snapshot: (value) => {
          this.#byId = new Map((value as T[]).map((item) => [item.id, item]));
          this.#refused = undefined;
        },
        change: (message) => {
          const next = new Map(this.#byId);
          for (const item of (message.set ?? []) as T[]) next.set(item.id, item);
          for (const id of message.remove ?? []) next.delete(id);
          this.#byId = next;
        },
        refused: (error) => {
          this.#refused = error.code;
        },
      });
  }

  /** False until the first snapshot. */
  get known(): boolean {
    return this.#byId !== undefined;
  }

  get refused(): string | undefined {
    return this.#refused;
  }

  get(id: string): T | undefined {
    return this.#byId?.get(id);
  }
}
