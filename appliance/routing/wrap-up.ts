import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import { type Context, nowMs } from './context.ts';
import type { Desk, Work } from './desk.ts';
import type { Shifts } from './shifts.ts';

export type WrapUps = ReturnType<typeof createWrapUps>;

export interface Disposition {
  code: string;
  label: string;
  /** Null: in every queue. */
  queueId: string | null;
}

/** The time after the conversation: a timer per queue, longer when asked for, and what the agent says about it. */
export function createWrapUps(context: Context, shifts: () => Shifts) {
  const { floor, interactions, clock, log } = context;
  let dispositions: Disposition[] = [];

  function offered(queueId: string | null): Disposition[] {
    return dispositions.filter((one) => one.queueId === null || one.queueId === queueId);
  }

  /** The conversation is over: wrap-up as the queue wants it, or the agent is free at once. */
  async function finished(interactionId: string, agentId: string, { wrapUp }: { wrapUp: boolean }): Promise<void> {
    const who = shifts().desk(agentId);
    const work = who.work.get(interactionId);
    if (!work || work.state === 'wrap-up') return;
    const now = nowMs(context);
    const queue = work.queueId === null ? undefined : floor.queues.get(work.queueId);
    if (!wrapUp || !queue || queue.config.wrapUp === 'none') {
      queue?.handle.add((now - work.startedAt) / 1000);
      shifts().release(who, interactionId);
      return;
    }
    work.state = 'wrap-up';
    work.since = now;
    const seat = { kind: 'wrap-up' as const, queueId: work.queueId, agentId, at: new Date(now) };
    const { committed } = interactions.startSegment(interactionId, seat);
    if (queue.config.wrapUp === 'timed') runTimer(who, work, now + queue.config.wrapUpS * 1000);
    floor.refresh(who);
    shifts().touched(who);
    await context.settled(committed);
  }

  function runTimer(who: Desk, work: Work, endsAt: number): void {
    work.stopTimer?.();
    work.wrapUpEndsAt = endsAt;
    work.stopTimer = clock.after(Math.max(0, endsAt - nowMs(context)), () => {
      log.debug({ interaction: work.interactionId, agent: who.id }, 'wrap-up time is over');
      end(who, work, null, null).catch(() => {});
    });
  }

  function end(who: Desk, work: Work, disposition: string | null, notes: string | null): Promise<void> {
    const { interactionId, queueId } = work;
    const queue = queueId === null ? undefined : floor.queues.get(queueId);
    const now = nowMs(context);
    queue?.handle.add((now - work.startedAt) / 1000);
    let kept: Promise<void>;
    try {
      kept = interactions.finishWrapUp(interactionId, { agentId: who.id, disposition, notes, at: new Date(now) });
    } catch (error) {
      log.error(
        { interaction: interactionId, error: messageOf(error) },
        'a wrap-up ended for an interaction that is not known',
      );
      kept = Promise.resolve();
    }
    const nothingElse = who.work.size === 1;
    if (queue?.config.afterWrapUp === 'not-ready' && nothingElse && who.presence.state === 'ready') {
      void shifts().force(who, 'wrap-up');
    }
    shifts().release(who, interactionId);
    return kept;
  }

  function own(interactionId: string, agentId: string): { who: Desk; work: Work } {
    const who = shifts().desk(agentId);
    const work = who.work.get(interactionId);
    if (work?.state !== 'wrap-up')
      throw new AppError('conflict', 'not-in-wrap-up', 'There is no wrap-up of yours for this contact.');
    return { who, work };
  }

  return {
    finished,
    offered,
    setDispositions(rows: Disposition[]): void {
      dispositions = rows;
    },

    async finish(
      interactionId: string,
      agentId: string,
      disposition: string | null,
      notes: string | null,
    ): Promise<void> {
      const { who, work } = own(interactionId, agentId);
      const queue = work.queueId === null ? undefined : floor.queues.get(work.queueId);
      if (disposition !== null && !offered(work.queueId).some(({ code }) => code === disposition)) {
        throw new AppError('invalid', 'disposition-unknown', `There is no disposition ${disposition} in this queue.`);
      }
      if (disposition === null && queue?.config.dispositionRequired) {
        throw new AppError('invalid', 'disposition-required', 'This queue wants a disposition.');
      }
      await context.settled(end(who, work, disposition, notes));
    },

    extend(interactionId: string, agentId: string, seconds: number): { endsAt: string } {
      const { who, work } = own(interactionId, agentId);
      const queue = work.queueId === null ? undefined : floor.queues.get(work.queueId);
      if (work.wrapUpEndsAt === null || !queue)
        throw new AppError('conflict', 'no-time-limit', 'This wrap-up has no time limit.');
      const left = queue.config.wrapUpExtensionS - work.wrapUpExtendedS;
      if (!(seconds > 0) || left <= 0)
        throw new AppError('conflict', 'no-extension-left', 'The wrap-up cannot be extended any more.');
      const granted = Math.min(seconds, left);
      work.wrapUpExtendedS += granted;
      runTimer(who, work, work.wrapUpEndsAt + granted * 1000);
      shifts().touched(who);
      interactions.event(interactionId, 'wrap-up.extended', { agentId, seconds: granted }).catch(() => {});
      return { endsAt: new Date(work.wrapUpEndsAt!).toISOString() };
    },

    /** Ends every wrap-up of an agent as it is. */
    finishAll(who: Desk): void {
      for (const work of [...who.work.values()])
        if (work.state === 'wrap-up') end(who, work, null, null).catch(() => {});
    },

    /** After a restart: the time goes on where it was. */
    resume(who: Desk, work: Work, startedAt: number): void {
      work.state = 'wrap-up';
      work.since = startedAt;
      const queue = work.queueId === null ? undefined : floor.queues.get(work.queueId);
      if (queue?.config.wrapUp === 'timed') runTimer(who, work, startedAt + queue.config.wrapUpS * 1000);
    },
  };
}
