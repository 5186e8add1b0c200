import type { BusEvent } from '#appliance/contract/bus.ts';
import type { Actor, Permission } from '#appliance/contract/identity.ts';

/** What a domain gives so that screens can watch something of it. */
export interface TopicProvider {
  permission: Permission;
  /** `list`: items with an `id`, told one by one; `state`: one object, told whole. */
  shape: 'list' | 'state';
  /** The value now. `id` is what stands behind the slash: `interactions/{id}`. Refuses with an AppError. */
  snapshot(actor: Actor, id?: string): Promise<unknown>;
  /** True when an event may have changed every value of the topic, or the keys of those that it may have changed. */
  affects(event: BusEvent): boolean | readonly string[];
  /** Who sees the same value: subscribers with one key share one reading. Everybody, by default. */
  key?(actor: Actor, id?: string): string;
  /** Needs an id behind the slash. */
  withId?: boolean;
  /** Read again after this time also without an event: figures that change as time passes. */
  refreshMs?: number;
}

export interface Topics {
  registerTopic(name: string, provider: TopicProvider): void;
  /** The provider of `queues` or of `interactions/{id}`, with the id. */
  find(topic: string): { name: string; provider: TopicProvider; id: string | undefined } | undefined;
}

const ID = /^[A-Za-z0-9_-]{1,64}$/;

export function createTopics(): Topics {
  const providers = new Map<string, TopicProvider>();
  return {
    registerTopic(name, provider) {
      if (providers.has(name)) throw new Error(`The topic ${name} is registered already`);
      providers.set(name, provider);
    },
    find(topic) {
      const slash = topic.indexOf('/');
      const name = slash < 0 ? topic : topic.slice(0, slash);
      const id = slash < 0 ? undefined : topic.slice(slash + 1);
      const provider = providers.get(name);
      if (!provider || (id !== undefined) !== (provider.withId ?? false)) return undefined;
      if (id !== undefined && !ID.test(id)) return undefined;
      return { name, provider, id };
    },
  };
}
