import type { RingingCall } from '#appliance/contract/calls.ts';
import { type ForwardTarget, NO_FORWARDING } from '#appliance/contract/calls.ts';
import {
  DialFailed,
  type DialOptions,
  type EndCause,
  type Leg,
  type Party,
  type Ringing,
} from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import { afterwards, atOnce, MOST_OUTSIDE, next, type Situation } from './forwards.ts';
import type { PickUps } from './pickups.ts';
import { ringHeader, ringInTurn } from './ring-plan.ts';

/** A call to a person, by extension or by name. */
export interface ReachRequest {
  interactionId: string;
  to: { kind: 'agent'; agentId: string } | { kind: 'extension'; extension: string };
  /** Shown on the phones. */
  from: Party;
  /** Who calls: hears nothing of all this but ringing; its end calls everything off. */
  near: Leg;
  customer?: RingingCall['customer'];
  queueId?: string | null;
  ring: string;
  /** How long it rings where no rule says otherwise. */
  ringMs: number;
  /** Nobody answers and no rule says where to: the mailbox. */
  voicemail: boolean;
  tag: Record<string, unknown>;
}

export type ReachEnd =
  | { end: 'answered'; leg: Leg; agentId: string | undefined; label: string }
  | { end: 'voicemail'; agentId: string }
  | { end: 'failed'; cause: EndCause };

/** On to a number outside, by whose rule, and which. */
interface Outside {
  kind: 'number';
  number: string;
  by: string;
  why: Situation;
}

/** In the words of RFC 5806 §4.2. */
const REASONS = {
  always: 'unconditional',
  busy: 'user-busy',
  noAnswer: 'no-answer',
  notRegistered: 'unavailable',
} as const satisfies Record<Situation, string>;

export type Reach = ReturnType<typeof createReach>;

/** Finds somebody for a call that is for them: their phones in their order, their forwarding, a colleague who picks it up. */
export function createReach(deps: VoiceDeps, { pickUps }: { pickUps: PickUps }) {
  const { agents, calls, clock, dids, endpoints, interactions, router, log } = deps;
  /** Calls forwarded outside, by who forwards. */
  const outside = new Map<string, number>();

  return async function reach(request: ReachRequest): Promise<ReachEnd> {
    const { interactionId, near } = request;
    const been = new Set<string>();
    let to: ReachRequest['to'] | Outside = request.to;
    let first: string | undefined;
    for (let hops = 0; ; hops++) {
      if (near.state === 'ended') return failed(16, 'The caller hung up');
      if (to.kind === 'number') return forwardOutside(request, to);
      const agentId: string | undefined = to.kind === 'agent' ? to.agentId : endpoints.agentOfExtension(to.extension);
      if (agentId === undefined) {
        const { extension } = to as { extension: string };
        const found = await ring(request, undefined, () =>
          calls.dial([{ kind: 'extension', extension }], options(request, request.ringMs)),
        );
        return 'leg' in found
          ? { end: 'answered', ...found, agentId: undefined, label: extension }
          : { end: 'failed', ...found };
      }
      first ??= agentId;
      been.add(agentId);
      const agent = agents.get(agentId);
      const rules = agent?.forwarding ?? NO_FORWARDING;
      const turns = endpoints.turns(agentId);
      let situation: Situation | undefined = atOnce(rules, {
        busy: router.isBusy(agentId),
        reachable: turns.length > 0,
      });
      let cause: EndCause = { by: 'failure', q850: 20, sip: 480, text: 'No phone of theirs is there' };
      if (!situation) {
        const ringMs = rules.noAnswer || request.voicemail ? rules.noAnswerAfterS * 1000 : request.ringMs;
        const found = await ring(request, agentId, () =>
          ringInTurn(calls, clock, turns, options(request, ringMs, agentId)),
        );
        if ('leg' in found) {
          // A phone may have sent the call on to a colleague's (302).
          const who = found.by ?? (found.leg.phoneId && endpoints.agentOfPhone(found.leg.phoneId)) ?? agentId;
          return { end: 'answered', leg: found.leg, agentId: who, label: agents.get(who)?.name ?? who };
        }
        if ((near.state as string) === 'ended') return failed(16, 'The caller hung up');
        cause = found.cause;
        situation = afterwards(cause.q850);
      }
      const on = next(rules, situation, {
        far: hops,
        voicemail: request.voicemail,
        been: (extension) => been.has(endpoints.agentOfExtension(extension) ?? ''),
        isOurs: (number) => dids.find(number.replace(/[ ()./-]/g, '')) !== undefined,
      });
      if (on.to === 'nowhere') {
        if (on.why !== 'no-rule') {
          log.warn(
            { agent: agent?.name, interaction: interactionId, why: on.why },
            'a call was not forwarded as its rule says',
          );
          await interactions.event(interactionId, 'forwarding-refused', { agentId, why: on.why });
        }
        // A rule that cannot be followed must not lose the caller.
        return request.voicemail ? { end: 'voicemail', agentId: first } : { end: 'failed', cause };
      }
      await interactions.event(interactionId, 'forwarded', { agentId, why: situation, ...told(on) });
      if (on.to === 'voicemail') return { end: 'voicemail', agentId: rules[situation] ? agentId : first };
      to =
        on.to === 'extension'
          ? { kind: 'extension', extension: on.extension }
          : { kind: 'number', number: on.number, by: agentId, why: situation };
    }
  };

  /** Rings until somebody answers, picks it up elsewhere, or the caller hangs up. */
  async function ring(
    request: ReachRequest,
    agentId: string | undefined,
    dial: () => Ringing,
  ): Promise<{ leg: Leg; by?: string } | { cause: EndCause }> {
    const { near } = request;
    const attempt = dial();
    const taken = Promise.withResolvers<{ leg: Leg; by: string }>();
    const takers = new Set<Ringing>();
    let open = true;
    const gone =
      agentId === undefined
        ? () => {}
        : pickUps.present({
            interactionId: request.interactionId,
            agentId,
            from: request.from,
            customer: request.customer ?? null,
            queueId: request.queueId ?? null,
            near,
            legs: () => attempt.legs,
            take: (by) => ({
              async accepted(leg) {
                if (!open || near.state === 'ended') return false;
                open = false;
                attempt.cancel({ q850: 26, text: 'Call completed elsewhere' });
                taken.resolve({ leg, by });
                await interactions.event(request.interactionId, 'picked-up', { by, from: agentId });
                return true;
              },
              failed() {},
              watch: (other) => void takers.add(other),
            }),
          });
    const off = near.on('ended', () => attempt.cancel({ q850: 16 }));
    try {
      // Who picked it up is told before the phones that rang are.
      const found = await Promise.race([
        taken.promise,
        attempt.answered.then(
          (leg) => ({ leg }),
          (error: unknown) => {
            if (!open) return taken.promise;
            throw error;
          },
        ),
      ]);
      return found;
    } catch (error) {
      return { cause: error instanceof DialFailed ? error.cause_ : { by: 'failure', q850: 41, text: String(error) } };
    } finally {
      open = false;
      gone();
      off();
      for (const taker of takers) taker.cancel({ q850: 26, text: 'Call completed elsewhere' });
    }
  }

  async function forwardOutside(request: ReachRequest, { number, by, why }: Outside): Promise<ReachEnd> {
    const already = outside.get(by) ?? 0;
    if (already >= MOST_OUTSIDE) {
      await interactions.event(request.interactionId, 'forwarding-refused', { agentId: by, why: 'too-many-outside' });
      return request.voicemail ? { end: 'voicemail', agentId: by } : failed(34, 'Too many calls are forwarded outside');
    }
    outside.set(by, already + 1);
    const over = () => {
      const left = (outside.get(by) ?? 1) - 1;
      if (left > 0) outside.set(by, left);
      else outside.delete(by);
    };
    const found = await ring(request, undefined, () =>
      calls.dial([{ kind: 'number', number: number.replace(/[ ()./-]/g, '') }], {
        ...options(request, 60_000),
        followPhones: false,
        from: endpoints.callerId(request.queueId ?? null),
        forwarded: { by: endpoints.party(by).number, reason: REASONS[why] },
      }),
    );
    if ('cause' in found) {
      over();
      return request.voicemail && request.near.state !== 'ended'
        ? { end: 'voicemail', agentId: by }
        : { end: 'failed', cause: found.cause };
    }
    found.leg.on('ended', over);
    return { end: 'answered', leg: found.leg, agentId: undefined, label: number };
  }

  function options(request: ReachRequest, ringTimeoutMs: number, agentId?: string) {
    return {
      from: request.from,
      near: request.near,
      ringTimeoutMs,
      tag: { ...request.tag, ...(agentId ? { agentId } : {}) },
      headers: [['X-Interaction', request.interactionId], ringHeader(request.ring)] as [string, string][],
      // A phone that sends its calls to another extension (302) is followed.
      followPhones: true,
      onRedirect: tellRedirect(interactions, request.interactionId),
    };
  }
}

/** What phones and carriers answered instead of ringing (3xx) is an event of the call. */
export function tellRedirect(
  { event }: Pick<VoiceDeps['interactions'], 'event'>,
  interactionId: string,
): NonNullable<DialOptions['onRedirect']> {
  return ({ by, to, status, followed }) =>
    void event(interactionId, followed ? 'redirected' : 'redirect-refused', { by, to, sip: status });
}

function told(target: ForwardTarget): Record<string, unknown> {
  switch (target.to) {
    case 'extension':
      return { to: target.extension };
    case 'number':
      return { to: target.number };
    case 'voicemail':
      return { to: 'voicemail' };
  }
}

function failed(q850: number, text: string): ReachEnd {
  return { end: 'failed', cause: { by: 'failure', q850, text } };
}
