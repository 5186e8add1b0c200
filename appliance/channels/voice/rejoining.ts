import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Monitoring } from './monitoring.ts';
import { isBrowserLost, type Talks } from './talks.ts';
import type { Transfers } from './transfers.ts';
import type { VoiceCall } from './voice-call.ts';

export type Rejoining = ReturnType<typeof createRejoining>;

/** A browser sends fifty packets a second, muted or not. */
const SILENT_FOR_MS = 500;
const LOOK_EVERY_MS = 1000;
/** A page loads in seconds, a computer starts in a minute; nobody waits longer for somebody they cannot hear. */
const BACK_WITHIN_MS = 45_000;
const RING_MS = 15_000;

/**
 * An agent's browser that lost the call: reloaded, crashed, asleep, out of the network. When its connection is closed and no
 * audio comes, the customer hears music; the agent's page asks to be rung and answers by itself, and the two talk on. A desk
 * phone that does not answer when it is asked gets the same patience: a switch of the network that starts again takes a minute,
 * and the phone then talks on as if nothing had been. Who does not come back hands the customer to the queue, at its front.
 */
export function createRejoining(
  deps: VoiceDeps,
  {
    talks,
    transfers,
    monitoring,
    deskBackWithinMs = 30_000,
  }: { talks: Talks; transfers: Transfers; monitoring: Monitoring; deskBackWithinMs?: number },
) {
  const { calls, interactions, endpoints, recorder, sounds, clock } = deps;
  const looking = new WeakSet<Leg>();
  const ringing = new Set<string>();

  function follow(call: VoiceCall): void {
    call.events.on('agent-joined', ({ leg }) => {
      const look = () => void watch(call, leg).catch((error) => talks.failed(call, error));
      leg.on('connection', ({ open }) => open || look());
      // A computer that sleeps closes nothing.
      leg.on('silent', () => leg.browser && look());
      leg.on('ended', ({ cause }) => {
        if (leg.browser && isBrowserLost(cause)) look();
        else if (cause.by === 'failure') void vanished(call, leg).catch((error) => talks.failed(call, error));
      });
      if (call.away) look();
    });
  }

  /** The agent's desk phone is silent and does not answer. Returns whether it is waited for. */
  function absent(call: VoiceCall, leg: Leg): boolean {
    if (call.away && call.agent?.leg === leg) return true;
    if (leg.browser || call.agent?.leg !== leg || call.stage !== 'talking' || call.queueId === null || call.third)
      return false;
    void watch(call, leg).catch((error) => talks.failed(call, error));
    return true;
  }

  /** Until audio comes again over a connection that is there, or somebody else has the customer. */
  async function watch(call: VoiceCall, leg: Leg): Promise<void> {
    if (looking.has(leg)) return;
    looking.add(leg);
    try {
      let before = await received(leg);
      for (;;) {
        await pause(call.away ? LOOK_EVERY_MS : SILENT_FOR_MS);
        if (call.agent?.leg !== leg || call.stage === 'ended') return;
        const now = await received(leg);
        if (now > before) {
          if (call.away) await found(call);
          if (leg.reachable) return;
        } else if (!call.away) await lost(call);
        else if (
          clock.now().getTime() - call.away.since.getTime() > (leg.browser ? BACK_WITHIN_MS : deskBackWithinMs) &&
          !ringing.has(call.id)
        )
          return await giveUp(call);
        before = now;
      }
    } finally {
      looking.delete(leg);
    }
  }

  /** A dialog that is over does not come back: the customer goes to the queue at once. */
  async function vanished(call: VoiceCall, leg: Leg): Promise<void> {
    if (call.agent?.leg !== leg || call.stage === 'ended' || call.queueId === null || call.third) return;
    await giveUp(call);
  }

  async function lost(call: VoiceCall): Promise<void> {
    const agent = talks.agentOf(call);
    const held = call.stage === 'talking';
    call.away = { since: clock.now(), held };
    void interactions.event(call.id, 'agent-audio-lost', { agentId: agent.id });
    if (held) await talks.hold(call);
    else {
      call.save();
      call.changed();
    }
  }

  /** The same leg sounds again: the network is back. */
  async function found(call: VoiceCall): Promise<void> {
    const held = call.away?.held;
    call.away = undefined;
    void interactions.event(call.id, 'agent-audio-back', { agentId: call.agent?.id });
    if (held && call.stage === 'held') await talks.resume(call);
    call.save();
    call.changed();
  }

  async function giveUp(call: VoiceCall): Promise<void> {
    const agent = talks.agentOf(call);
    await interactions.event(call.id, 'agent-lost', { agentId: agent.id });
    await call.customer.resume();
    if (call.queueId === null) {
      await talks.releaseAgent(call, agent);
      return transfers.back(call, null);
    }
    // The queue first: the interaction is never nowhere. Whose phone does not answer is not preferred.
    await transfers.back(call, call.queueId);
    await talks.releaseAgent(call, agent);
  }

  /** The page asks: it has me on this call, but not my voice. Resolves when it rings. */
  async function ring(call: VoiceCall, agentId: string): Promise<void> {
    const agent = talks.agentOf(call);
    if (agent.id !== agentId) throw new AppError('forbidden', 'not-your-call', 'You are not on this call');
    const targets = endpoints.browsers(agentId);
    if (targets.length === 0)
      throw new AppError('conflict', 'no-browser-phone', 'No browser of yours is connected as a phone');
    if (ringing.has(call.id)) throw new AppError('conflict', 'ringing', 'Your browser is being rung already');
    ringing.add(call.id);
    const attempt = calls.dial(targets, {
      from: call.party,
      near: call.customer,
      ringTimeoutMs: RING_MS,
      // After a restart of ours nobody waits for this one.
      tag: { interactionId: call.id, role: 'rejoining', agentId },
      headers: [['X-Interaction', call.id]],
    });
    const off = call.customer.on('ended', () => attempt.cancel({ q850: 16 }));
    attempt.answered
      .then(
        (leg) => rejoin(call, agentId, leg),
        (error) => interactions.event(call.id, 'agent-not-back', { agentId, why: messageOf(error) }),
      )
      .catch((error) => talks.failed(call, error))
      .finally(() => {
        off();
        ringing.delete(call.id);
      });
  }

  async function rejoin(
    call: VoiceCall,
    agentId: string,
    leg: Leg,
    event: 'agent-audio-back' | 'agent-moved' = 'agent-audio-back',
  ): Promise<void> {
    const before = call.agent;
    // Meanwhile the customer hung up, or is with somebody else.
    if (call.customer.state === 'ended' || call.stage === 'ended' || before?.id !== agentId) return leg.hangup();
    const { away } = call;
    call.away = undefined;
    call.setAgent(agentId, leg);
    leg.saveTag({ interactionId: call.id, role: 'agent', agentId });
    talks.watchAgentLeg(call, leg);
    before.leg.hangup({ q850: 16 });
    if (call.muted) await leg.mute(true);
    if (call.recording !== 'off') await recorder.join(call.id, leg, agentId);
    // Who moves to another phone wants to talk there; the key of the old one is out of reach.
    await connect(call, leg, event === 'agent-moved' || (away?.held ?? false));
    await interactions.event(call.id, event, { agentId });
    call.save();
    call.changed();
  }

  /** The new leg hears and is heard as the former one was. */
  async function connect(call: VoiceCall, leg: Leg, wasTalking: boolean): Promise<void> {
    if (call.stage === 'held') {
      if (wasTalking) await talks.resume(call);
    } else if (call.stage === 'consulting') {
      if (call.third) await calls.bridge(leg, call.third.leg);
      else leg.play(sounds.ringback, { loop: true });
    } else if (call.monitors.size > 0) await monitoring.apply(call);
    else if (call.stage === 'conference') await talks.join(call);
    else if (call.stage === 'secure') leg.play(sounds.music(call.queueId), { loop: true });
    else await calls.bridge(call.customer, leg);
  }

  async function received(leg: Leg): Promise<number> {
    return (await leg.stats().catch(() => undefined))?.received ?? 0;
  }

  const pause = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));

  return {
    follow,
    absent,
    ring,
    /** The agent goes on from another phone, which is answered already. */
    move: (call: VoiceCall, agentId: string, leg: Leg) => rejoin(call, agentId, leg, 'agent-moved'),
  };
}
