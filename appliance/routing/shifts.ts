import type { Channel, PresenceState } from '#appliance/contract/work.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import { type Context, nowMs } from './context.ts';
import type { Desk, Work } from './desk.ts';
import type { Entry } from './line.ts';
import type { Offers } from './offers.ts';
import { type Presence, step } from './presence.ts';

export type Shifts = ReturnType<typeof createShifts>;

/** Agents at work: presence, what they work on, and what happens when they become free. */
export function createShifts(
  context: Context,
  parts: { offers: () => Offers; finishWrapUps(desk: Desk): void; reconsider(desk: Desk): void },
) {
  const { floor, agents, log, announcer, interactions } = context;

  function desk(agentId: string): Desk {
    const found = floor.desks.get(agentId);
    if (!found) throw new AppError('not-found', 'agent-unknown', `No agent ${agentId}`);
    return found;
  }

  /** What a person asks for. Resolves when it is kept. */
  async function setPresence(
    agentId: string,
    state: PresenceState,
    reason: string | undefined,
    by: string,
  ): Promise<{ state: PresenceState; reason: string | null; since: string }> {
    const who = desk(agentId);
    if (!who.row.active) throw new AppError('conflict', 'agent-inactive', 'This agent is switched off.');
    const why = state === 'not-ready' ? agents.chosenReason(reason) : null;
    if (state === 'ready') who.misses = 0;
    // Nobody waits for the form of somebody who goes home.
    if (state === 'offline') parts.finishWrapUps(who);
    const kept = change(who, step(who.presence, { on: 'set', state, reason: why, busy: who.busy }), by);
    // After the change: what rings goes back to its place, and not to the same phone again.
    if (state !== 'ready') parts.offers().withdrawFrom(who);
    await context.settled(kept);
    return { state: who.presence.state, reason: who.presence.reason, since: new Date(who.presenceSince).toISOString() };
  }

  /** Applies what the table said: memory, database, others, and what follows from it. */
  function change(who: Desk, next: Presence, by: string): Promise<void> {
    const before = who.presence;
    if (next === before) return Promise.resolve();
    const now = nowMs(context);
    who.presence = next;
    const stateChanged = next.state !== before.state || next.reason !== before.reason;
    if (stateChanged) {
      who.presenceSince = now;
      if (next.state === 'ready' && before.state !== 'ready') who.idleSince = now;
      if (before.state === 'offline') who.handledInShift = 0;
    }
    floor.refresh(who);
    touched(who);
    const row = {
      agentId: who.id,
      state: next.state,
      reason: next.reason,
      since: new Date(who.presenceSince),
      pendingState: next.pending?.state ?? null,
      pendingReason: next.pending?.reason ?? null,
    };
    const kept = agents.savePresence(row, stateChanged ? by : undefined);
    kept.catch((error) => log.error({ agent: who.id, error: messageOf(error) }, 'the database refused a presence'));
    if (before.state !== 'offline' && next.state === 'offline') parts.reconsider(who);
    parts.offers().free(who);
    return kept;
  }

  /** An offer was missed: after so many in a row, or when nothing could ring, the agent is taken off. */
  function missed(who: Desk, entry: Entry, why: 'no-answer' | 'unreachable'): void {
    who.misses++;
    const limit = floor.queues.get(entry.queueId)?.config.ronaLimit ?? 1;
    if (why === 'no-answer' && who.misses < limit) return;
    who.misses = 0;
    const reason = why === 'unreachable' ? 'unreachable' : 'RONA';
    change(who, step(who.presence, { on: 'forced', state: 'not-ready', reason }), 'router');
  }

  /** The accepted interaction is the agent's now; false when the customer was quicker and is gone. */
  function begin(who: Desk, entry: Entry, at: Date): boolean {
    const { interactionId, queueId, channel } = entry;
    const direction = interactions.get(interactionId)?.direction ?? 'in';
    try {
      interactions.startSegment(interactionId, { kind: 'agent', queueId, agentId: who.id, at, previous: 'answered' });
    } catch (error) {
      log.info(
        { interaction: interactionId, agent: who.id, why: messageOf(error) },
        'accepted, but the customer is gone',
      );
      return false;
    }
    take(who, {
      interactionId,
      channel,
      queueId,
      direction,
      from: entry.from,
      customer: entry.customer,
      at: at.getTime(),
    });
    who.handledInShift++;
    return true;
  }

  function take(
    who: Desk,
    input: Pick<Work, 'interactionId' | 'channel' | 'queueId' | 'direction' | 'from' | 'customer'> & { at: number },
  ): Work {
    const { at, ...facts } = input;
    const work: Work = {
      ...facts,
      state: 'active',
      startedAt: at,
      since: at,
      wrapUpEndsAt: null,
      wrapUpExtendedS: 0,
      stopTimer: undefined,
    };
    who.begin(work);
    floor.refresh(who);
    touched(who);
    return work;
  }

  /** Work that the router did not offer: outbound, internal, a transfer. Counts against capacity at once. */
  function engage(
    agentId: string,
    interactionId: string,
    channel: Channel,
    { queueId }: { queueId?: string | null | undefined } = {},
  ): void {
    const who = desk(agentId);
    const known = who.work.get(interactionId);
    if (known?.state === 'active') {
      // Who was only asked has it now, and its queue's wrap-up with it.
      if (queueId) known.queueId = queueId;
      return;
    }
    known?.stopTimer?.();
    const row = interactions.get(interactionId);
    const work = take(who, {
      interactionId,
      channel,
      queueId: queueId ?? null,
      direction: row?.direction ?? 'in',
      from: row?.from ?? '',
      customer: null,
      at: nowMs(context),
    });
    parts.offers().withdrawFrom(who);
    if (!row?.customerId) return;
    context.store.customer(row.customerId).then(
      (customer) => {
        work.customer = customer ?? null;
        announcer.agent(who.id);
      },
      () => {}, // the screen shows the number alone
    );
  }

  /** The agent has nothing to do with it any more: what was asked for meanwhile takes effect, or the next offer comes. */
  function release(who: Desk, interactionId: string): void {
    const work = who.clear(interactionId, nowMs(context));
    if (!work) return;
    context.events.emit('released', { interactionId, agentId: who.id });
    if (!who.busy) change(who, step(who.presence, { on: 'idle' }), who.id);
    touched(who);
    parts.offers().free(who);
  }

  function touched(who: Desk): void {
    announcer.agent(who.id);
    for (const { queueId } of who.queues) announcer.queue(queueId);
  }

  return {
    desk,
    setPresence,
    missed,
    begin,
    take,
    engage,
    release,
    touched,
    force: (who: Desk, reason: string) =>
      change(who, step(who.presence, { on: 'forced', state: 'not-ready', reason }), 'router'),
  };
}
