import type { CallToTake, RingingCall } from '#appliance/contract/calls.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { DialFailed, type Leg, type Party, type Ringing } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import { RINGS, ringHeader } from './ring-plan.ts';

/** Something rings at an agent's, and a colleague may take it. */
export interface Rings {
  interactionId: string;
  /** Where it rings. */
  agentId: string;
  from: Party;
  customer: RingingCall['customer'];
  queueId: string | null;
  /** Shares the media with it. */
  near: Leg;
  /** The phones that ring now. */
  legs(): readonly Leg[];
  /** A colleague begins to take it. Throws when it is too late. */
  take(agentId: string): Taking;
}

/** A colleague is about to take it; it rings on meanwhile. */
export interface Taking {
  /** Their phone answered: they talk from now on. False: somebody was faster. */
  accepted(leg: Leg): Promise<boolean>;
  failed(): void;
  /** Their phone rings: to be stopped when somebody else is faster. */
  watch(attempt: Ringing): void;
}

export type PickUps = ReturnType<typeof createPickUps>;

const RING_MS = 20_000;

/** Directed pick-up: a call that rings at a colleague's of the same team or queue is taken from another phone. */
export function createPickUps({ agents, bus, calls, clock, endpoints, router, log }: VoiceDeps) {
  const ringing = new Map<string, { rings: Rings; since: Date }>();

  /** It rings there from now on; returns what says that it does no more. */
  function present(rings: Rings): () => void {
    const id = `${rings.interactionId}_${rings.agentId}`;
    const entry = { rings, since: clock.now() };
    ringing.set(id, entry);
    bus.publish({ type: 'ringing.changed', agentId: rings.agentId });
    return () => {
      if (ringing.get(id) !== entry) return;
      ringing.delete(id);
      bus.publish({ type: 'ringing.changed', agentId: rings.agentId });
    };
  }

  /** Same team, or a queue that both serve; supervisors may anywhere. */
  function may(agentId: string, other: string, supervisor: boolean): boolean {
    if (agentId === other || supervisor) return true;
    const [mine, theirs] = [agents.get(agentId), agents.get(other)];
    if (!mine || !theirs) return false;
    return (mine.teamId !== null && mine.teamId === theirs.teamId) || router.shareQueue(agentId, other);
  }

  function at(agentId: string, by: string, supervisor: boolean): Rings {
    if (!may(by, agentId, supervisor))
      throw new AppError('forbidden', 'not-your-team', 'You share neither a team nor a queue with them');
    // What rings longest is taken first.
    const [first] = [...ringing.values()]
      .filter(({ rings }) => rings.agentId === agentId)
      .sort((a, b) => a.since.getTime() - b.since.getTime());
    if (!first) throw new AppError('not-found', 'nothing-rings', 'Nothing rings there');
    return first.rings;
  }

  /** The colleague's phone has dialled for it. */
  async function withLeg(rings: Rings, by: string, leg: Leg): Promise<void> {
    const taking = rings.take(by);
    try {
      if (leg.state !== 'up') await leg.answer();
    } catch (error) {
      taking.failed();
      throw error;
    }
    if (await taking.accepted(leg)) return;
    leg.hangup({ q850: 26, text: 'Taken elsewhere' });
    throw new AppError('not-found', 'nothing-rings', 'Somebody else was faster');
  }

  return {
    present,

    /** `**` and an extension. */
    async byExtension(extension: string, by: string, leg: Leg): Promise<void> {
      const agentId = endpoints.agentOfExtension(extension);
      if (!agentId) throw new AppError('not-found', 'extension-unknown', 'Nobody has this extension');
      return withLeg(at(agentId, by, false), by, leg);
    },

    /** INVITE with Replaces of a ringing dialog (RFC 3891 §7.1): the key under the lamp of a colleague. */
    async byLeg(rung: Leg, by: string, leg: Leg): Promise<void> {
      const found = [...ringing.values()].find(({ rings }) => rings.legs().includes(rung));
      if (!found) throw new AppError('not-found', 'nothing-rings', 'Nothing rings there');
      return withLeg(at(found.rings.agentId, by, false), by, leg);
    },

    /** From the screen: my phone rings, and takes it when I pick up. Resolves while it rings. */
    async fromScreen(target: { agentId: string } | { extension: string }, by: string, supervisor: boolean) {
      const agentId = 'agentId' in target ? target.agentId : endpoints.agentOfExtension(target.extension);
      if (!agentId) throw new AppError('not-found', 'extension-unknown', 'Nobody has this extension');
      const rings = at(agentId, by, supervisor);
      const targets = endpoints.targets(by);
      if (targets.length === 0) throw new AppError('conflict', 'no-phone', 'You have no phone that could ring');
      const taking = rings.take(by);
      const attempt = calls.dial(targets, {
        from: rings.from,
        near: rings.near,
        ringTimeoutMs: RING_MS,
        tag: { interactionId: rings.interactionId, role: 'picking-up', agentId: by },
        headers: [['X-Interaction', rings.interactionId], ringHeader(RINGS.own)],
      });
      taking.watch(attempt);
      attempt.answered
        .then(async (leg) => {
          if (!(await taking.accepted(leg))) leg.hangup({ q850: 26, text: 'Taken elsewhere' });
        })
        .catch((error: unknown) => {
          taking.failed();
          if (!(error instanceof DialFailed)) log.error({ err: error, agent: by }, 'a pick-up failed');
        });
      return { interactionId: rings.interactionId };
    },

    list(by: string, supervisor: boolean): Extract<CallToTake, { kind: 'ringing' }>[] {
      return [...ringing]
        .filter(([, { rings }]) => rings.agentId !== by && may(by, rings.agentId, supervisor))
        .map(([id, { rings, since }]) => {
          const agent = agents.get(rings.agentId);
          return {
            kind: 'ringing',
            id,
            interactionId: rings.interactionId,
            agentId: rings.agentId,
            agentName: agent?.name ?? '',
            extension: agent?.extension ?? null,
            from: rings.from.number,
            customer: rings.customer,
            queueId: rings.queueId,
            queueName: rings.queueId ? (router.queue(rings.queueId)?.name ?? null) : null,
            since: since.toISOString(),
          };
        });
    },
  };
}
