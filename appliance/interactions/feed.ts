import type { BusEvent } from '#appliance/contract/bus.ts';
import type { Topics } from '#appliance/realtime/index.ts';
import type { Interactions } from './index.ts';

/** Topic `interactions/{id}`: the whole trace, again after each thing that happened to it. */
export function registerInteractionTopic(topics: Topics, { interactions }: { interactions: Interactions }): void {
  topics.registerTopic('interactions', {
    permission: 'interactions:read',
    shape: 'state',
    withId: true,
    snapshot: (_actor, id) => interactions.trace(id!),
    affects: (event) => {
      const id = interactionOf(event);
      return id === undefined ? false : [id];
    },
  });
}

function interactionOf(event: BusEvent): string | undefined {
  return 'interactionId' in event ? event.interactionId : undefined;
}
