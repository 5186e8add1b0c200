import type { BusEvent } from '#appliance/contract/bus.ts';
import type { Actor, Permission, Role } from '#appliance/contract/identity.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { LiveInstance, type Watcher } from './instance.ts';
import type { Topics } from './topic.ts';

interface Deps {
  topics: Topics;
  bus: { subscribe(listener: (event: BusEvent) => void, onGap?: () => void): () => void };
  allows: (role: Role, permission: Permission) => boolean;
  clock: Clock;
}

/** Brings what happens on the bus to the values that somebody watches. */
export class LiveHub {
  readonly #deps: Deps;
  readonly #instances = new Map<string, LiveInstance>();
  readonly #listeners = new Set<(event: BusEvent) => void>();
  readonly #unsubscribe: () => void;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#unsubscribe = deps.bus.subscribe(
      (event) => this.#heard(event),
      () => this.#gap(),
    );
  }

  /** For what is not a topic: sessions that were revoked. */
  onEvent(listener: (event: BusEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws {AppError} not-found for an unknown topic, forbidden without its permission. */
  watch(topic: string, watcher: Watcher): LiveInstance {
    const found = this.#deps.topics.find(topic);
    if (!found) throw new AppError('not-found', 'topic-unknown', 'There is no such topic');
    const { provider, name, id } = found;
    if (!this.#deps.allows(watcher.actor.role, provider.permission)) {
      throw new AppError('forbidden', 'forbidden', `Your role does not have the permission ${provider.permission}`);
    }
    const key = provider.key?.(watcher.actor, id) ?? id ?? '';
    const place = `${name} ${key}`;
    let instance = this.#instances.get(place);
    if (!instance) {
      instance = new LiveInstance({ topic, key, id, provider, clock: this.#deps.clock });
      this.#instances.set(place, instance);
    }
    instance.join(watcher);
    return instance;
  }

  unwatch(instance: LiveInstance, watcher: Watcher): void {
    instance.leave(watcher);
    this.#forgetEmpty();
  }

  get watched(): number {
    return this.#instances.size;
  }

  close(): void {
    this.#unsubscribe();
    this.#instances.clear();
  }

  #heard(event: BusEvent): void {
    for (const instance of this.#instances.values()) {
      const affected = instance.provider.affects(event);
      if (affected === true || (affected !== false && affected.includes(instance.key))) instance.touch();
    }
    for (const listener of this.#listeners) listener(event);
  }

  /** Events may be missing: whatever is watched is read again, and what differs is told. */
  #gap(): void {
    for (const instance of this.#instances.values()) instance.touch();
  }

  #forgetEmpty(): void {
    for (const [place, instance] of this.#instances) if (instance.empty) this.#instances.delete(place);
  }
}

export function actorKey(actor: Actor): string {
  return actor.userId;
}
