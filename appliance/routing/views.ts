import type { Commands, WaitingView } from '#appliance/contract/bus.ts';
import type { MeLive } from '#appliance/contract/live.ts';
import type { AgentLive, OfferView } from '#appliance/contract/work.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Context } from './context.ts';
import type { Desk, Work } from './desk.ts';
import { estimatedWaitS } from './estimate.ts';
import { ahead } from './line.ts';
import type { Offers } from './offers.ts';
import type { WrapUps } from './wrap-up.ts';

export type Views = ReturnType<typeof createViews>;

/** What screens show, straight from the router's memory. */
export function createViews(context: Context, wrapUps: WrapUps, offers: Pick<Offers, 'of'>) {
  const { floor, hooks } = context;
  const queueName = (id: string | null) => (id === null ? null : (floor.queues.get(id)?.config.name ?? null));
  const iso = (ms: number) => new Date(ms).toISOString();

  function offersOf(desk: Desk): OfferView[] {
    const { offer } = desk;
    if (!offer) return [];
    const entry = floor.entries.get(offer.interactionId);
    return [
      {
        id: offer.id,
        interactionId: offer.interactionId,
        channel: offer.channel,
        queueId: offer.queueId,
        queueName: queueName(offer.queueId),
        agentId: desk.id,
        agentName: desk.row.name,
        from: entry?.from ?? '',
        customer: entry?.customer ?? null,
        waitedS: entry ? Math.max(0, offer.offeredAt.getTime() - entry.enqueuedAt) / 1000 : 0,
        offeredAt: offer.offeredAt.toISOString(),
        expiresAt: offer.expiresAt.toISOString(),
        state: 'pending',
        endedAt: null,
      },
    ];
  }

  function workOf(desk: Desk, work: Work): MeLive['work'][number] {
    return {
      interactionId: work.interactionId,
      channel: work.channel,
      state: work.state,
      queueId: work.queueId,
      queueName: queueName(work.queueId),
      from: work.from,
      direction: work.direction,
      customer: work.customer,
      since: iso(work.since),
      wrapUpEndsAt: work.wrapUpEndsAt === null ? null : iso(work.wrapUpEndsAt),
      dispositions: wrapUps.offered(work.queueId).map(({ code, label }) => ({ code, label })),
      call: work.state === 'active' ? hooks.callView(work.interactionId, desk.id) : null,
    };
  }

  return {
    me(desk: Desk): MeLive {
      return {
        presence: desk.presence.state,
        reason: desk.presence.reason,
        since: iso(desk.presenceSince),
        pending: desk.presence.pending,
        offers: offersOf(desk),
        work: [...desk.work.values()].map((work) => workOf(desk, work)),
      };
    },

    agents(): AgentLive[] {
      return [...floor.desks.values()].map((desk) => ({
        id: desk.id,
        name: desk.row.name,
        extension: desk.row.extension,
        teamId: desk.row.teamId,
        teamName: desk.row.teamName,
        presence: desk.presence.state,
        reason: desk.presence.reason,
        since: iso(desk.presenceSince),
        pending: desk.presence.pending,
        activity: desk.activity,
        activitySince: iso(desk.activitySince),
        work: [...desk.work.values()].map(({ interactionId, channel, queueId, state, since, from }) => ({
          interactionId,
          channel,
          queueName: queueName(queueId),
          state,
          since: iso(since),
          from,
        })),
        phoneOnline: hooks.phoneOnline(desk.id),
        todayUntil: desk.row.todayUntil,
      }));
    },

    /** Who waits in a queue, in the order of service. */
    waiting(queueId: string): WaitingView[] {
      const queue = floor.queues.get(queueId);
      if (!queue) throw new AppError('not-found', 'queue-unknown', `No queue ${queueId}`);
      return [...queue.entries]
        .sort((a, b) => (ahead(a, b) ? -1 : 1))
        .map((entry, index) => ({
          interactionId: entry.interactionId,
          channel: entry.channel,
          from: entry.from,
          customer: entry.customer,
          since: iso(entry.enqueuedAt),
          priority: entry.priority,
          place: index + 1,
          offeredTo: offers
            .of(entry)
            .map(({ agentId }) => ({ id: agentId, name: floor.desks.get(agentId)?.row.name ?? agentId })),
        }));
    },

    queues(): Commands['live.queues']['out'] {
      const active = new Map<string, number>();
      for (const desk of floor.desks.values()) {
        for (const { state, queueId } of desk.work.values()) {
          if (state === 'active' && queueId !== null) active.set(queueId, (active.get(queueId) ?? 0) + 1);
        }
      }
      return [...floor.queues.values()].map((queue) => {
        let [agentsReady, agentsBusy, agentsSignedIn] = [0, 0, 0];
        for (const desk of queue.members.values()) {
          if (!desk.signedIn) continue;
          agentsSignedIn++;
          if (desk.busy || desk.offer) agentsBusy++;
          else if (desk.presence.state === 'ready') agentsReady++;
        }
        const waiting = [...queue.entries]
          .sort((a, b) => a.enqueuedAt - b.enqueuedAt)
          .map(({ interactionId, enqueuedAt }) => ({ interactionId, since: iso(enqueuedAt) }));
        return {
          id: queue.config.id,
          waiting,
          estimatedWaitS: estimatedWaitS(waiting.length + 1, queue.handle.averageS, floor.serving(queue)),
          agentsReady,
          agentsBusy,
          agentsSignedIn,
          active: active.get(queue.config.id) ?? 0,
        };
      });
    },
  };
}
