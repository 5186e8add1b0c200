import type { Actor } from '#appliance/contract/identity.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { changeText, snapshotText, type Told, toldOf } from './difference.ts';
import type { TopicProvider } from './topic.ts';

/** Not more often than this is anything told: a burst of events becomes one change. */
export const THROTTLE_MS = 100;
const RETRY_MS = 1000;
const RETRY_AT_MOST_MS = 10_000;

/** Somebody who watches. `offer` returns false when it is too far behind to take a change. */
export interface Watcher {
  readonly actor: Actor;
  offer(message: string): boolean;
}

interface Seat {
  /** Waits for a whole snapshot, not for changes. */
  behind: boolean;
}

/**
 * One value that people watch: read once for all of them, told as differences. The sequence belongs to the value, so
 * each watcher sees it grow by one from the snapshot on.
 */
export class LiveInstance {
  readonly topic: string;
  readonly key: string;
  readonly provider: TopicProvider;
  readonly #id: string | undefined;
  readonly #clock: Clock;
  readonly #watchers = new Map<Watcher, Seat>();
  #told: Told | undefined;
  #seq = 0;
  #dirty = false;
  #reading = false;
  #failures = 0;
  #lastReadMs = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;
  #cancelRefresh: (() => void) | undefined;

  constructor(options: { topic: string; key: string; id: string | undefined; provider: TopicProvider; clock: Clock }) {
    this.topic = options.topic;
    this.key = options.key;
    this.#id = options.id;
    this.provider = options.provider;
    this.#clock = options.clock;
  }

  get empty(): boolean {
    return this.#watchers.size === 0;
  }

  /** Sends a snapshot at once when the value is fresh, else as soon as it was read. */
  join(watcher: Watcher): void {
    const first = this.#watchers.size === 0;
    this.#watchers.set(watcher, { behind: true });
    if (!first && this.#told && this.#failures === 0) {
      this.#catchUp();
      return;
    }
    if (first) this.#keepFresh();
    this.touch();
  }

  leave(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#cancelRefresh?.();
    this.#cancelRefresh = undefined;
  }

  /** Something may have changed: read again, soon. */
  touch(): void {
    this.#dirty = true;
    if (this.#reading || this.#cancelTimer || this.empty) return;
    // The clock may have been set back since: never longer than the throttle.
    const waitMs = Math.min(THROTTLE_MS, Math.max(0, this.#lastReadMs + THROTTLE_MS - this.#clock.now().getTime()));
    if (waitMs === 0) void this.#read();
    else this.#schedule(waitMs);
  }

  /** A watcher that was behind can take something again: it gets the whole. */
  resume(watcher: Watcher): void {
    if (this.#watchers.get(watcher)?.behind) this.#catchUp();
  }

  #schedule(waitMs: number): void {
    this.#cancelTimer = this.#clock.after(waitMs, () => {
      this.#cancelTimer = undefined;
      void this.#read();
    });
  }

  async #read(): Promise<void> {
    const someone = this.#watchers.keys().next().value;
    if (!someone || this.#reading) return;
    this.#reading = true;
    this.#dirty = false;
    this.#lastReadMs = this.#clock.now().getTime();
    try {
      const told = toldOf(this.provider.shape, await this.provider.snapshot(someone.actor, this.#id));
      const wasFailing = this.#failures > 0;
      this.#failures = 0;
      this.#tell(told, wasFailing);
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#reading = false;
    }
    if (this.#dirty && !this.empty) this.touch();
  }

  #tell(told: Told, whole: boolean): void {
    const change = this.#told && changeText(this.#told, told);
    this.#told = told;
    if (change) {
      this.#seq++;
      const message = this.#message(change);
      for (const [watcher, seat] of this.#watchers) {
        if (!seat.behind && !whole) seat.behind = !watcher.offer(message);
      }
    }
    // After a failure the far side knows that it is stale: only a whole snapshot makes it sure again.
    if (whole) for (const seat of this.#watchers.values()) seat.behind = true;
    this.#catchUp();
  }

  #catchUp(): void {
    if (!this.#told || this.#failures > 0) return;
    const message = this.#message(snapshotText(this.#told));
    for (const [watcher, seat] of this.#watchers) if (seat.behind) seat.behind = !watcher.offer(message);
  }

  #fail(error: unknown): void {
    const refused = error instanceof AppError && error.kind !== 'unavailable' && error.kind !== 'too-many';
    const { code, message } =
      error instanceof AppError ? error : { code: 'internal', message: 'This cannot be read at the moment' };
    const text = JSON.stringify({ error: { code, message }, topic: this.topic });
    for (const watcher of this.#watchers.keys()) watcher.offer(text);
    this.#failures++;
    if (refused) {
      for (const watcher of [...this.#watchers.keys()]) this.leave(watcher);
      return;
    }
    if (!this.#cancelTimer && !this.empty) {
      this.#schedule(Math.min(RETRY_AT_MOST_MS, RETRY_MS * 2 ** Math.min(this.#failures - 1, 5)));
    }
  }

  #keepFresh(): void {
    const { refreshMs } = this.provider;
    if (refreshMs === undefined) return;
    this.#cancelRefresh = this.#clock.after(refreshMs, () => {
      if (this.empty) return;
      this.touch();
      this.#keepFresh();
    });
  }

  #message(body: string): string {
    return `{"topic":${JSON.stringify(this.topic)},"seq":${this.#seq},${body}}`;
  }
}
