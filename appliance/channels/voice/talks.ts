import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { EndCause, Leg } from '#appliance/telephony/calls/api.ts';
import type { VoiceDeps } from './deps.ts';
import type { RecordedCall } from './ports.ts';
import type { Guest, VoiceCall } from './voice-call.ts';

export type Talks = ReturnType<typeof createTalks>;

export function recorded(call: VoiceCall): RecordedCall {
  return {
    interactionId: call.id,
    customer: call.customer,
    queueId: call.queueId,
    trunkId: call.facts.trunkId,
    agentId: call.agent?.id ?? null,
  };
}

/** Nobody hung up: the connection failed, or the browser itself says that its audio did (JsSIP: 408, RTP Timeout). */
export function isBrowserLost(cause: EndCause): boolean {
  return cause.by === 'failure' || (cause.by === 'party' && cause.sip === 408);
}

/** Conversations: two parties bridged, held, muted, and the ends of them. */
export function createTalks(deps: VoiceDeps) {
  const { calls, router, interactions, flows, recorder, sounds, registry, log } = deps;

  /** Makes a call ours: its ends are dealt with from here on. */
  function watch(call: VoiceCall): void {
    registry.add(call);
    call.events.on(
      'customer-left',
      ({ cause, at }) => void customerLeft(call, cause, at).catch((error) => failed(call, error)),
    );
    call.events.on(
      'agent-left',
      ({ cause, at, agentId }) => void agentLeft(call, agentId, cause, at).catch((error) => failed(call, error)),
    );
    call.customer.on(
      'held-by-party',
      ({ held }) => void interactions.event(call.id, held ? 'customer-held' : 'customer-resumed'),
    );
  }

  function failed(call: VoiceCall, error: unknown): void {
    log.error({ interaction: call.id, error: messageOf(error) }, 'a step of a call failed');
  }

  /** The agent has answered and the assignment is committed: both hear each other. */
  async function connect(call: VoiceCall, agentId: string, leg: Leg): Promise<void> {
    if (call.customer.state === 'ended' || leg.state === 'ended') {
      leg.hangup({ q850: 16 });
      if (call.customer.state !== 'ended') await agentGoneAtOnce(call, agentId);
      // The customer hung up while the agent picked up: the end of the call does not know of this agent.
      else await router.finished(call.id, agentId, { wrapUp: false });
      return;
    }
    call.setAgent(agentId, leg);
    leg.saveTag({ interactionId: call.id, role: 'agent', agentId });
    watchAgentLeg(call, leg);
    await join(call);
    call.enter('talking');
    if (recorder.state(call.id) === 'off') call.recording = await recorder.begin(recorded(call));
    else call.recording = recorder.state(call.id);
    if (call.recording !== 'off') await recorder.join(call.id, leg, agentId);
    call.changed();
  }

  function watchAgentLeg(call: VoiceCall, leg: Leg): void {
    leg.on('held-by-party', ({ held }) => {
      if (call.agent?.leg !== leg) return;
      void (held ? phoneHeld(call) : phoneResumed(call)).catch((error) => failed(call, error));
    });
  }

  /** The agent's phone hung up between answer and bridge. */
  async function agentGoneAtOnce(call: VoiceCall, agentId: string): Promise<void> {
    await router.finished(call.id, agentId, { wrapUp: false });
    await over(call, { by: 'party', q850: 16, text: 'The agent hung up' }, deps.clock.now(), 'agent-hung-up');
    call.customer.hangup({ q850: 16 });
  }

  /** Hold pressed on a desk phone: the customer gets music, the books a hold segment. */
  async function phoneHeld(call: VoiceCall): Promise<void> {
    if (call.stage !== 'talking') return;
    call.customer.play(sounds.music(call.queueId), { loop: true });
    interactions.startSegment(call.id, { kind: 'hold', agentId: call.agent!.id, queueId: call.queueId });
    call.enter('held');
  }

  async function phoneResumed(call: VoiceCall): Promise<void> {
    if (call.stage !== 'held' || !call.agent) return;
    await join(call);
    interactions.startSegment(call.id, { kind: 'agent', agentId: call.agent.id, queueId: call.queueId });
    call.enter('talking');
  }

  async function hold(call: VoiceCall): Promise<void> {
    const agent = agentOf(call);
    if (call.stage === 'held') return;
    if (call.stage !== 'talking')
      throw new AppError('conflict', 'not-talking', 'Only a conversation can be put on hold');
    await call.customer.hold(sounds.music(call.queueId));
    interactions.startSegment(call.id, { kind: 'hold', agentId: agent.id, queueId: call.queueId });
    call.enter('held');
  }

  async function resume(call: VoiceCall): Promise<void> {
    const agent = agentOf(call);
    if (call.stage === 'talking') return;
    if (call.stage !== 'held') throw new AppError('conflict', 'not-held', 'The call is not on hold');
    await call.customer.resume();
    await join(call);
    interactions.startSegment(call.id, { kind: 'agent', agentId: agent.id, queueId: call.queueId });
    call.enter('talking');
  }

  async function mute(call: VoiceCall, muted: boolean): Promise<void> {
    await agentOf(call).leg.mute(muted);
    call.muted = muted;
    call.changed();
  }

  function agentOf(call: VoiceCall): NonNullable<VoiceCall['agent']> {
    if (!call.agent) throw new AppError('conflict', 'no-agent', 'No agent is on this call');
    return call.agent;
  }

  /** The agent leaves, the customer stays: after a transfer. The leg is hung up; no hang-up of the customer follows. */
  async function releaseAgent(call: VoiceCall, agent = call.agent, { wrapUp = true } = {}): Promise<void> {
    if (!agent) return;
    if (call.agent === agent) {
      call.agent = undefined;
      call.muted = false;
      call.away = undefined;
    }
    agent.leg.hangup({ q850: 16 });
    await router.finished(call.id, agent.id, { wrapUp });
  }

  /**
   * The commit of an assignment came late and was refused: another process gave this interaction to somebody else. They have
   * the customer; here the conversation ends without a word to the books, which are theirs.
   */
  async function refused(call: VoiceCall, agentId: string): Promise<void> {
    const { agent } = call;
    if (agent?.id !== agentId || call.stage === 'ended') return;
    log.error({ interaction: call.id, agent: agentId }, 'an assignment was refused after the two talked: it is undone');
    call.agent = undefined;
    agent.leg.hangup({ q850: 41, text: 'Assigned elsewhere' });
    await interactions.event(call.id, 'assignment-refused', { agentId });
    await router.finished(call.id, agentId, { wrapUp: false });
    call.customer.hangup({ q850: 41 });
  }

  async function customerLeft(call: VoiceCall, cause: EndCause, at: Date): Promise<void> {
    const stage = call.stage;
    if (stage === 'ended') return;
    // A call that we could not take (RFC 3261 §21.5.4) is not one that was dealt with.
    const ours = cause.sip === 503 ? 'refused' : 'completed';
    const reason = cause.by === 'party' ? 'customer-hung-up' : cause.by === 'us' ? ours : 'line-failed';
    flows.stop(call.id);
    if (stage === 'waiting') await router.remove(call.id, 'abandoned', at);
    await over(call, cause, at, stage === 'waiting' ? 'abandoned' : reason);
  }

  async function agentLeft(call: VoiceCall, agentId: string, cause: EndCause, at: Date): Promise<void> {
    const third = call.third;
    if (call.stage === 'ended') return;
    // A browser that is gone may come back; rejoining.ts decides how long the customer waits for it.
    if (call.agent?.leg.browser && isBrowserLost(cause)) return;
    // Nor does a desk phone that vanished cost the queue's customer the call: rejoining.ts takes them to somebody else.
    if (cause.by === 'failure' && call.queueId !== null && !third && call.guests.length === 0) return;
    // Hanging up during a consultation hands the customer over; leaving a conference lets the others talk on.
    if (third && third.leg.state === 'up') return handOver(call);
    if (call.guests.length > 0) return goOnWithout(call);
    await over(call, cause, at, cause.by === 'party' ? 'agent-hung-up' : 'line-failed', agentId);
    call.customer.hangup({ q850: cause.by === 'party' ? 16 : cause.q850 });
  }

  /** The third party becomes the one the customer talks with. */
  async function handOver(call: VoiceCall): Promise<void> {
    const third = call.third!;
    call.third = undefined;
    await succeed(call, third);
    await interactions.event(call.id, 'transferred', { to: third.label, how: 'attended' });
  }

  /** The agent left the conference: of those who stay one has the customer from now on, one of our people when there is one. */
  async function goOnWithout(call: VoiceCall): Promise<void> {
    const heir = call.guests.find(({ agentId }) => agentId !== undefined) ?? call.guests[0]!;
    call.guests.splice(call.guests.indexOf(heir), 1);
    await succeed(call, heir);
    await interactions.event(call.id, 'transferred', { to: heir.label, how: 'conference' });
  }

  async function succeed(call: VoiceCall, third: Guest): Promise<void> {
    await releaseAgent(call);
    if (third.agentId) {
      interactions.startSegment(call.id, {
        kind: 'agent',
        agentId: third.agentId,
        queueId: call.queueId,
        previous: 'transferred',
      });
      router.engage(third.agentId, call.id, 'voice', { queueId: call.queueId });
      call.setAgent(third.agentId, third.leg);
      third.leg.saveTag({ interactionId: call.id, role: 'agent', agentId: third.agentId });
    } else {
      interactions.startSegment(call.id, { kind: 'dial', previous: 'transferred' });
      joinOutside(call, third.leg);
    }
    if (third.errand) await endErrand(third);
    // The customer may still be on hold, with music.
    await call.customer.resume();
    await join(call);
    call.enter(call.guests.length > 0 ? 'conference' : 'talking');
  }

  /** Everybody on the call hears everybody: two by a bridge, more by a mix; who listens in as their mode says. */
  async function join(call: VoiceCall): Promise<void> {
    const agent = call.agent?.leg;
    const here = [agent, call.outside, ...call.guests.map(({ leg }) => leg)].filter(
      (leg) => leg !== undefined && leg.state === 'up',
    ) as Leg[];
    const [first, ...more] = here;
    if (!first) return;
    const all = [call.customer, ...here];
    const monitors = [...call.monitors.values()];
    if (monitors.length === 0) {
      if (more.length === 0) await calls.bridge(call.customer, first);
      else
        await calls.mix(
          call.id,
          all.map((leg) => ({ leg })),
        );
      return;
    }
    const speaking = (...modes: string[]) => monitors.filter(({ mode }) => modes.includes(mode)).map(({ leg }) => leg);
    await calls.mix(call.id, [
      ...all.map((leg) => ({
        leg,
        hear: [
          ...all.filter((other) => other !== leg),
          ...(leg === agent ? speaking('barge', 'whisper') : speaking('barge')),
        ],
      })),
      ...monitors.map(({ leg }) => ({ leg, hear: all })),
    ]);
  }

  /** The wait in a queue that brought a colleague to a consultation is done. */
  async function endErrand(guest: Guest): Promise<void> {
    const { errand, agentId } = guest;
    guest.errand = undefined;
    if (!errand) return;
    if (agentId) await router.finished(errand, agentId, { wrapUp: false });
    await interactions.end(errand, { reason: 'completed' }).catch(() => {});
  }

  /** Somebody of the conference, or who was consulted, is gone: their work on it is over. */
  async function left(call: VoiceCall, guest: Guest): Promise<void> {
    await endErrand(guest);
    if (guest.agentId && guest.agentId !== call.agent?.id)
      await router.finished(call.id, guest.agentId, { wrapUp: false });
  }

  /** The customer talks with somebody outside; when that one leaves, the call is over. */
  function joinOutside(call: VoiceCall, leg: Leg): void {
    call.outside = leg;
    call.joined(leg, 'outside');
    leg.saveTag({ interactionId: call.id, role: 'outside' });
    leg.on('ended', ({ cause, at }) => {
      if (call.outside !== leg) return;
      const [next] = call.guests.splice(0, 1);
      if (next) {
        // Others are there still: one of them takes the place.
        call.outside = undefined;
        joinOutside(call, next.leg);
        void join(call)
          .then(() => call.enter(call.guests.length > 0 ? 'conference' : 'talking'))
          .catch((error) => failed(call, error));
        return;
      }
      void over(call, cause, at, 'completed').catch((error) => failed(call, error));
      call.customer.hangup({ q850: 16 });
    });
  }

  /** Everything of the call ends: legs, recording, agent's work, the interaction. Once. */
  async function over(
    call: VoiceCall,
    cause: EndCause,
    at: Date,
    reason: string,
    agentId = call.agent?.id,
  ): Promise<void> {
    if (call.stage === 'ended') return;
    call.enter('ended');
    const agentLeg = call.agent?.leg;
    for (const leg of [
      agentLeg,
      call.third?.leg,
      ...call.guests.map((guest) => guest.leg),
      call.outside,
      ...[...call.monitors.values()].map((monitor) => monitor.leg),
    ])
      leg?.hangup({ q850: 16 });
    void interactions.event(
      call.id,
      'call-ended',
      { reason, by: cause.by, q850: cause.q850, sip: cause.sip ?? null, text: cause.text },
      at,
    );
    if (agentId) await router.finished(call.id, agentId, { wrapUp: true });
    for (const guest of [call.third, ...call.guests]) if (guest) await left(call, guest);
    for (const other of call.alsoEngaged) await router.finished(call.id, other, { wrapUp: false });
    const ended = interactions.end(call.id, { reason, at });
    await recorder.end(call.id);
    await ended;
    registry.remove(call);
  }

  return {
    watch,
    watchAgentLeg,
    connect,
    joinOutside,
    hold,
    resume,
    mute,
    releaseAgent,
    handOver,
    refused,
    join,
    left,
    over,
    agentOf,
    failed,
  };
}
