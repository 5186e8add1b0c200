// Asks each registered UDP phone with OPTIONS whether it is there still: spread over time, one question at a time per contact.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Contact } from './contacts.ts';
import { isWorthStoring, judge, NEVER_ASKED, nextInMs, type Reach, type Sign } from './reach.ts';

export interface PingerOptions {
  clock: Clock;
  everyMs: number;
  /** Resolves with the status of the answer; rejects when there was none. */
  ask(contact: Contact): Promise<number>;
  /** The contact as it is now; undefined: it has gone. */
  current(id: string): Contact | undefined;
  changed(contact: Contact, reachable: boolean): void;
  store(contact: Contact, reach: Reach): void;
  random?(): number;
}

/** A phone that has just registered is asked soon, but not at once: it may be starting. */
const FIRST_WITHIN_MS = 10_000;

export class Pinger {
  readonly #options: PingerOptions;
  readonly #watched = new Map<string, { reach: Reach; stored: Reach; cancel: () => void }>();
  readonly #random: () => number;

  constructor(options: PingerOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  get size(): number {
    return this.#watched.size;
  }

  reach(contactId: string): Reach {
    return this.#watched.get(contactId)?.reach ?? NEVER_ASKED;
  }

  /** It registered: that is a sign of life. The first time it is watched from now on. */
  heard(contact: Contact): void {
    if (this.#watched.has(contact.id)) this.#sign(contact.id, { kind: 'heard' });
    else this.#watch(contact.id, NEVER_ASKED, FIRST_WITHIN_MS);
  }

  /** Of a former process, with what it knew. All of them are spread over one interval. */
  restored(contact: Contact, reach: Reach): void {
    this.#watch(contact.id, reach, this.#options.everyMs);
  }

  gone(contactId: string): void {
    this.#watched.get(contactId)?.cancel();
    this.#watched.delete(contactId);
  }

  stop(): void {
    for (const id of [...this.#watched.keys()]) this.gone(id);
  }

  #watch(id: string, reach: Reach, withinMs: number): void {
    this.#watched.set(id, { reach, stored: reach, cancel: () => {} });
    this.#later(id, this.#random() * withinMs);
  }

  #later(id: string, ms: number): void {
    const watched = this.#watched.get(id);
    if (watched) watched.cancel = this.#options.clock.after(ms, () => void this.#ask(id));
  }

  async #ask(id: string): Promise<void> {
    const { everyMs, ask, current } = this.#options;
    const contact = current(id);
    if (!contact) {
      this.gone(id);
      return;
    }
    const asked = performance.now();
    let sign: Sign;
    try {
      // 408 is how a proxy on the way says that nobody answered.
      const status = await ask(contact);
      sign = status === 408 ? { kind: 'missed' } : { kind: 'answered', roundTripMs: performance.now() - asked };
    } catch {
      sign = { kind: 'missed' };
    }
    this.#sign(id, sign);
    const watched = this.#watched.get(id);
    if (watched) this.#later(id, nextInMs(watched.reach, everyMs, this.#random()));
  }

  #sign(id: string, sign: Sign): void {
    const watched = this.#watched.get(id);
    const contact = this.#options.current(id);
    if (!watched || !contact) return;
    const before = watched.reach;
    watched.reach = judge(before, sign, this.#options.clock.now());
    if (isWorthStoring(watched.stored, watched.reach)) {
      watched.stored = watched.reach;
      this.#options.store(contact, watched.reach);
    }
    const was = before.reachable !== false;
    const is = watched.reach.reachable !== false;
    if (was !== is) this.#options.changed(contact, is);
  }
}
