// What the voice channel needs from rooms above it or beside it; roles/voice.ts wires the real ones in.
import type { QueueExit } from '#appliance/routing/index.ts';
import type { DialTarget, Leg, Party } from '#appliance/telephony/calls/api.ts';
import type { RingStage } from './ring-plan.ts';
import type { VoiceCall } from './voice-call.ts';

/** IVR dialogs: flows/. */
export interface FlowRunner {
  /** Runs the published version of the flow until the call has left it. Never rejects: what goes wrong ends in an error prompt and a hang-up. */
  start(flowId: string, call: VoiceCall): Promise<void>;
  /** After a crash: goes on in the step the call was in. False when there is nothing to resume. */
  resume(call: VoiceCall): Promise<boolean>;
  /** Flows that an agent may let a customer enter digits into, without leaving the call. */
  entries(): { flowId: string; name: string }[];
  /** Runs one beside the conversation; never rejects. `stopped` says that nobody wants its result any more. */
  enter(flowId: string, call: VoiceCall, watch: EntryWatch): Promise<'done' | 'failed' | 'cancelled'>;
  /** After a crash: ends what was being entered, its digits are gone. */
  abandonEntry(call: VoiceCall): Promise<void>;
  /** The call left the flow from outside: hang-up, pulled by a supervisor. */
  stop(interactionId: string): void;
}

/** What a screen may know of digits being entered: that, and how many. */
export interface EntryWatch {
  readonly stopped: boolean;
  told(state: 'prompting' | 'collecting' | 'processing'): void;
  collected(count: number): void;
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
  /** Prompts by their names; a number as words. */
  named(names: string[], language: string): string[];
  number(value: number, language: string): string[];
  /** What callers hear before they leave a message for somebody; their own recording when they made one. */
  greeting(agentId: string, language: string): string[];
  /** A prompt that an administrator chose, by id, in the caller's language where there is one. */
  chosen(promptId: string, language: string): string[];
}

export interface DidTarget {
  number: string;
  target: { kind: 'flow'; flowId: string } | { kind: 'queue'; queueId: string } | { kind: 'agent'; agentId: string };
  language: string;
}

/** Numbers and where they lead: flows/. */
export interface Dids {
  find(number: string): DidTarget | undefined;
}

/** Where an agent's phone rings, and whose phone rang us. */
export interface Endpoints {
  targets(agentId: string): DialTarget[];
  /** The same in the order of their ringing pattern; empty when nothing could ring. */
  turns(agentId: string): RingStage[];
  /** Somebody, or a phone of nobody, has this internal number. */
  isExtension(number: string): boolean;
  /** Browsers of theirs that are connected, wherever else their calls ring. */
  browsers(agentId: string): DialTarget[];
  agentOfPhone(phoneId: string): string | undefined;
  agentOfExtension(extension: string): string | undefined;
  /** The internal number and name of an agent, as shown on other phones. */
  party(agentId: string): Party;
  /** Caller id for calls out of this queue or trunk. */
  callerId(queueId: string | null): Party;
}

/** Messages for one agent: voicemail of their own. */
export interface Mailboxes {
  /** Kept once it resolves. */
  add(message: NewMessage): Promise<void>;
  /** The same for a message whose process died: what there is of its recording; undefined when nothing is. */
  rescue(
    message: Pick<NewMessage, 'id' | 'agentId' | 'interactionId' | 'from'>,
  ): Promise<{ recordingId: string; seconds: number } | undefined>;
  /** New ones, the newest first. */
  fresh(agentId: string): Promise<{ id: string; recordingId: string; from: string; leftAt: Date }[]>;
  heard(agentId: string, id: string): Promise<void>;
  remove(agentId: string, id: string): Promise<void>;
  /** The sound of a message for `Leg.play`; undefined while it is not finished. `done` takes the copy away. */
  sound(recordingId: string): Promise<{ media: string; done(): Promise<void> } | undefined>;
}

export interface NewMessage {
  id: string;
  agentId: string;
  interactionId: string;
  recordingId: string;
  from: string;
  leftAt: Date;
  durationS: number;
}

export type QueueOutcome =
  | { end: 'connected'; agentId: string }
  | { end: 'left'; to: QueueExit['to'] | 'gone' }
  | { end: 'refused'; why: string };
