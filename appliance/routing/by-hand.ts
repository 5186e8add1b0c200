import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import { mayTake } from './capacity.ts';
import { type Context, nowMs } from './context.ts';
import type { Desk } from './desk.ts';
import type { Entry } from './line.ts';
import type { Offers } from './offers.ts';
import type { Waiting } from './waiting.ts';

/** What a person does with somebody who waits, past the rules of selection. Each is an event of the interaction that names the person. */
export function createByHand(context: Context, { offers, waiting }: { offers: Offers; waiting: Waiting }) {
  const { floor, interactions, announcer, store, log } = context;

  function entryOf(interactionId: string): Entry {
    const entry = floor.entries.get(interactionId);
    if (!entry) throw new AppError('conflict', 'not-waiting', 'This interaction does not wait in a queue.');
    if (entry.state === 'assigning') throw new AppError('conflict', 'being-accepted', 'An agent is just accepting it.');
    return entry;
  }

  return {
    /** To another queue. */
    requeue(interactionId: string, queueId: string, by: string): void {
      const entry = entryOf(interactionId);
      waiting.known(queueId);
      if (entry.queueId === queueId) throw new AppError('conflict', 'same-queue', 'It waits in this queue already.');
      offers.gone(entry);
      entry.hops = 0;
      waiting.move(entry, queueId, 'pulled', by);
    },

    /** To this agent, who is rung now: also one who is not ready or does not serve the queue, not one who cannot take it. */
    pull(interactionId: string, desk: Desk, by: string): void {
      const entry = entryOf(interactionId);
      if (!desk.row.active) throw new AppError('conflict', 'agent-inactive', 'This agent is switched off.');
      if (!desk.signedIn) throw new AppError('conflict', 'agent-offline', `${desk.row.name} is not signed in.`);
      if (offers.of(entry).some(({ agentId }) => agentId === desk.id))
        throw new AppError('conflict', 'already-offered', `It rings with ${desk.row.name} already.`);
      if (desk.offer || !mayTake(desk, desk.working, entry.channel))
        throw new AppError('conflict', 'agent-busy', `${desk.row.name} has something in hand.`);
      if (!context.ports.has(entry.channel))
        throw new AppError('unavailable', 'channel-away', 'Nothing of this channel can be offered at the moment.');
      interactions.event(interactionId, 'queue.pulled', { queueId: entry.queueId, agentId: desk.id, by });
      offers.pull(entry, desk);
    },

    /** Another priority: the place in the line follows, the waiting time stays. */
    async prioritise(interactionId: string, priority: number, by: string): Promise<void> {
      const entry = entryOf(interactionId);
      if (entry.priority === priority) return;
      interactions.event(interactionId, 'queue.priority', {
        queueId: entry.queueId,
        before: entry.priority,
        priority,
        by,
      });
      entry.priority = priority;
      floor.rearrange(entry, nowMs(context));
      announcer.queue(entry.queueId);
      const row = context.rows.get(entry);
      if (!row) return;
      const written = store.prioritise(row, priority);
      written.catch((error) =>
        log.error({ interaction: interactionId, error: messageOf(error) }, 'the database refused a priority'),
      );
      await context.settled(written);
    },
  };
}
