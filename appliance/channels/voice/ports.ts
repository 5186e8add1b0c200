// What the voice channel needs from rooms above it or beside it; roles/voice.ts wires the real ones in.
import type { QueueExit } from '#appliance/routing/index.ts';
import type { DialTarget, Leg, Party } from '#appliance/telephony/calls/api.ts';
import type { VoiceCall } from './voice-call.ts';

/** IVR dialogs: flows/. */
export interface FlowRunner {
  /** Runs the published version of the flow until the call has left it. Never rejects: what goes wrong ends in an error prompt and a hang-up. */
  start(flowId: string, call: VoiceCall): Promise<void>;
  /** After a crash: goes on in the step the call was in. False when there is nothing to resume. */
  resume(call: VoiceCall): Promise<boolean>;
  /** The call left the flow from outside: hang-up, pulled by a supervisor. */
  stop(interactionId: string): void;
}

export type RecordingState = 'off' | 'on' | 'paused';

export interface RecordedCall {
  interactionId: string;
  customer: Leg;
  queueId: string | null;
  trunkId: string | null;
  agentId: string | null;
}

/** Recordings of calls: recordings/. A failure is an event on the interaction and an alarm, never an exception here. */
export interface CallRecorder {
  /** Applies the rules; starts recording when they say so. */
  begin(call: RecordedCall): Promise<RecordingState>;
  /** A message for a queue: only the caller is recorded. Undefined when it cannot be recorded. */
  message(call: RecordedCall): Promise<{ recordingId: string } | undefined>;
  join(interactionId: string, leg: Leg, agentId: string | null): Promise<void>;
  /** `start` overrides the rules; the others act on what is recorded. */
  control(call: RecordedCall, mode: 'start' | 'stop' | 'pause' | 'resume', why: string): Promise<RecordingState>;
  end(interactionId: string): Promise<void>;
  /** After a restart: what is being recorded still. */
  state(interactionId: string): RecordingState;
  /** Prompts the caller hears before a recorded conversation; empty when none is asked for. */
  announcement(call: Omit<RecordedCall, 'customer' | 'interactionId'>, language: string): string[];
}

/** Standing sounds: flows/prompts. Names as `Leg.play` takes them. */
export interface Sounds {
  music(queueId: string | null): string[];
  ringback: string[];
  /** What is said to a caller waiting in a queue without a flow; null for what is not to be said. */
  waiting(language: string, place: { position: number | null; estimatedWaitS: number | null }): string[];
  prompt(
    name: 'closed' | 'goodbye' | 'unavailable' | 'voicemail' | 'voicemail-thanks' | 'callback-confirmed' | 'beep',
    language: string,
  ): string[];
  /** A prompt that an administrator chose, by id, in the caller's language where there is one. */
  chosen(promptId: string, language: string): string[];
}

export interface DidTarget {
  number: string;
  target: { kind: 'flow'; flowId: string } | { kind: 'queue'; queueId: string };
  language: string;
}

/** Numbers and where they lead: flows/. */
export interface Dids {
  find(number: string): DidTarget | undefined;
}

/** Where an agent's phone rings, and whose phone rang us. */
export interface Endpoints {
  targets(agentId: string): DialTarget[];
  /** Browsers of theirs that are connected, wherever else their calls ring. */
  browsers(agentId: string): DialTarget[];
  agentOfPhone(phoneId: string): string | undefined;
  agentOfExtension(extension: string): string | undefined;
  /** The internal number and name of an agent, as shown on other phones. */
  party(agentId: string): Party;
  /** Caller id for calls out of this queue or trunk. */
  callerId(queueId: string | null): Party;
}

export type QueueOutcome =
  | { end: 'connected'; agentId: string }
  | { end: 'left'; to: QueueExit['to'] | 'gone' }
  | { end: 'refused'; why: string };
