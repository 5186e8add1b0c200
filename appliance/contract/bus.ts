// What roles say to each other over platform/bus. Events are published after commit and may be lost; commands have one reply.
import type { CallToTake } from './calls.ts';
import type { CallView, MeLive } from './live.ts';
import type { AgentLive, Channel, InteractionState, PresenceState } from './work.ts';

export type BusEvent =
  | { type: 'config.changed'; entity: string; id: string }
  | {
      type: 'interaction.changed';
      interactionId: string;
      state: InteractionState;
      queueId: string | null;
      agentId: string | null;
      channel: Channel;
    }
  | { type: 'queue.changed'; queueId: string }
  | { type: 'agent.changed'; agentId: string }
  | { type: 'offer.changed'; offerId: string; agentId: string; interactionId: string }
  | { type: 'call.changed'; interactionId: string; agentIds: string[] }
  | { type: 'recording.changed'; recordingId: string; interactionId: string }
  | { type: 'phone.changed'; phoneId: string; online: boolean }
  | { type: 'trunk.changed'; trunkId: string; up: boolean }
  | { type: 'session.revoked'; userId: string }
  | { type: 'alarm.changed'; alarmId: string }
  | { type: 'message.changed'; userId: string }
  | { type: 'parked.changed'; slot: string }
  | { type: 'ringing.changed'; agentId: string }
  /** What waits for an agent on voicemail: left, heard, deleted. */
  | { type: 'voicemail.changed'; agentId: string };

/** Commands to the router's leader (a `voice` process), or to the `voice` that has the call. */
export interface Commands {
  'presence.set': {
    in: { agentId: string; state: PresenceState; reason?: string; by: string };
    out: { state: PresenceState; reason: string | null; since: string };
  };
  'offer.accept': { in: { offerId: string; agentId: string }; out: Record<string, never> };
  'offer.decline': { in: { offerId: string; agentId: string; reason?: string }; out: Record<string, never> };
  'wrap-up.finish': {
    in: { interactionId: string; agentId: string; disposition: string | null; notes: string | null };
    out: Record<string, never>;
  };
  'wrap-up.extend': { in: { interactionId: string; agentId: string; seconds: number }; out: { endsAt: string } };
  'interaction.requeue': { in: { interactionId: string; queueId: string; by: string }; out: Record<string, never> };
  /** A person takes a waiting interaction out of the order of service: it is offered to this agent now. */
  'interaction.pull': { in: { interactionId: string; agentId: string; by: string }; out: Record<string, never> };
  'interaction.priority': { in: { interactionId: string; priority: number; by: string }; out: Record<string, never> };
  'live.waiting': { in: { queueId: string }; out: WaitingView[] };
  'call.dial': { in: { agentId: string; to: string; from?: string; queueId?: string }; out: { interactionId: string } };
  'call.control': {
    in: {
      interactionId: string;
      actorId: string;
      /** Supervisors may act on calls of others. */
      supervisor: boolean;
      action:
        | { do: 'hold' | 'resume' | 'hangup' }
        | { do: 'mute'; muted: boolean }
        | { do: 'dtmf'; digits: string }
        | { do: 'transfer'; to: TransferTarget }
        | { do: 'consult'; to: TransferTarget }
        | { do: 'consult-complete' | 'consult-cancel' | 'conference' | 'ring-me' }
        | { do: 'remove-party'; partyId: string }
        | { do: 'secure-entry'; flowId: string }
        | { do: 'secure-entry-cancel' }
        | { do: 'record'; mode: 'start' | 'stop' | 'pause' | 'resume' }
        | { do: 'monitor'; mode: 'listen' | 'whisper' | 'barge' | 'takeover' | 'stop' };
    };
    out: { call: CallView | null };
  };
  'call.park': {
    in: { interactionId: string; actorId: string; supervisor: boolean };
    out: { slot: string; backAt: string };
  };
  'call.pick-up': {
    in: { agentId: string; supervisor: boolean; from: { slot: string } | { agentId: string } | { extension: string } };
    out: { interactionId: string };
  };
  /** What this person may take from elsewhere. */
  'live.calls': { in: { agentId: string; supervisor: boolean }; out: CallToTake[] };
  /** Flows that an agent may let a customer enter digits into. */
  'call.secure-entries': { in: Record<string, never>; out: { flowId: string; name: string }[] };
  'live.me': { in: { agentId: string }; out: MeLive };
  'live.agents': { in: Record<string, never>; out: AgentLive[] };
  'live.queues': {
    in: Record<string, never>;
    out: {
      id: string;
      waiting: { interactionId: string; since: string }[];
      estimatedWaitS: number | null;
      agentsReady: number;
      agentsBusy: number;
      agentsSignedIn: number;
      active: number;
    }[];
  };
  /** SIP messages of an interaction or of a dialog, secrets crossed out; without either, the calls that are remembered; with `every`, other dialogs too. */
  'sip.trace': {
    in: { interactionId?: string; callId?: string; limit?: number; every?: boolean };
    out: { messages: SipMessageView[]; calls: SipCallView[] };
  };
  /** What the guard of the SIP ports did in the last 24 hours, and who is about to be banned. */
  'sip.guard': {
    in: Record<string, never>;
    out: {
      hours: { at: string; counts: Record<string, number> }[];
      suspects: { source: string; floods: number; unknown: number; passwords: number; at: string }[];
      sources: number;
    };
  };
  'trunk.test-call': {
    in: { trunkId: string; number: string };
    out: {
      result: 'answered' | 'failed';
      rangAfterMs: number | null;
      answeredAfterMs: number | null;
      sip: number | null;
      q850: number;
      text: string;
      /** Packets of audio that came back. */
      heard: number;
    };
  };
  /** Asks a desk phone to fetch its configuration and start again: the places where it was asked, and where it agreed. */
  'phone.restart': { in: { phoneId: string }; out: { asked: number; accepted: number } };
  'health.voice': { in: Record<string, never>; out: { status: 'ok' | 'degraded'; detail: string } };
}

/** One place in a queue, in the order of service. */
export interface WaitingView {
  interactionId: string;
  channel: Channel;
  from: string;
  customer: { id: string; name: string | null; known: boolean } | null;
  /** Since when it waits, over all queues. */
  since: string;
  /** 0 to 10. */
  priority: number;
  /** 1 is next. */
  place: number;
  /** With whom it rings now. */
  offeredTo: { id: string; name: string }[];
}

export interface SipMessageView {
  at: string;
  direction: 'in' | 'out';
  transport: 'udp' | 'tcp' | 'tls' | 'ws';
  local: { address: string; port: number };
  remote: { address: string; port: number };
  callId: string;
  /** As on the wire but for secrets; bytes as Latin-1. */
  text: string;
}

export interface SipCallView {
  callId: string;
  at: string;
  from: string;
  to: string;
  /** What began it: INVITE, REGISTER, … */
  method: string;
  messages: number;
}

export type TransferTarget =
  | { kind: 'agent'; agentId: string }
  | { kind: 'queue'; queueId: string }
  | { kind: 'extension'; extension: string }
  | { kind: 'number'; number: string };
