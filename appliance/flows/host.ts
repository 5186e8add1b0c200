// What a flow needs of the medium it runs on. channels/voice implements it over a leg, text-host.ts over a list of digits.
import type { Scalar } from '#appliance/contract/flow.ts';

/** One piece of sound: `media` is a name for the media switch, `text` says what it is, for traces and the text host. */
export interface PlayItem {
  media: string;
  text: string;
}

export interface PlayOptions {
  /** Digits that end it (they stay in the buffer for the next `gather`); '' plays to the end. */
  interruptedBy: string;
  /** Again and again until interrupted, aborted or `forMs` is over. */
  loop?: boolean;
  forMs?: number;
  /** Ends it without a digit. */
  signal?: AbortSignal;
}

export type PlayEnd = 'finished' | 'digit' | 'aborted';

export interface GatherOptions {
  max: number;
  terminator: string | null;
  firstTimeoutMs: number;
  betweenTimeoutMs: number;
}

export interface Gathered {
  digits: string;
  end: 'max' | 'terminator' | 'timeout';
}

export interface EnqueueRequest {
  queueId: string;
  priority: number;
  skills: { skillId: string; level: number }[];
  preferredAgentId: string | undefined;
  language: string;
  /** After a crash: the interaction may be waiting there already. */
  resumed: boolean;
}

export type QueueOutcome =
  /** An agent has the call, or it ended in the queue: the flow is over. */
  | { end: 'connected'; agentId?: string }
  /** The queue's own rules (longest wait, overflow) took it elsewhere and somebody else deals with it. */
  | { end: 'left'; to: string }
  /** Not let in: closed, full, nobody signed in, no such queue. */
  | { end: 'refused'; why: string };

/** One wait in a queue. Neither promise ever rejects but with HostGone. */
export interface QueueTicket {
  readonly outcome: Promise<QueueOutcome>;
  position(): { position: number; estimatedWaitS: number | null } | undefined;
  /** Takes the caller out to go on in the flow. False when an agent was faster: then await `outcome`. */
  leave(why: 'voicemail' | 'callback' | 'flow'): Promise<boolean>;
}

export type TransferTo =
  | { kind: 'number'; number: string }
  | { kind: 'extension'; extension: string }
  | { kind: 'agent'; agentId: string };
export type TransferEnd = 'connected' | 'busy' | 'no-answer' | 'failed';
export type HangupCause = 'normal' | 'busy' | 'rejected' | 'unavailable' | 'failure';

/**
 * Digits that arrive while nobody gathers are kept (32 at most) for the next gather, so that callers can type ahead;
 * `clearDigits` drops them. Every method rejects with {@link HostGone} once the caller is gone. A `play` begun after an
 * agent has the call does nothing and returns 'aborted'.
 */
export interface FlowHost {
  /** Facts of the contact: `from`, `to`, `channel`, ... readable in a flow as {{call.from}}. */
  readonly call: Record<string, Scalar>;
  readonly answered: boolean;
  answer(): Promise<void>;
  play(items: PlayItem[], options: PlayOptions): Promise<PlayEnd>;
  gather(options: GatherOptions): Promise<Gathered>;
  clearDigits(): void;
  language(language: string): void;
  enqueue(request: EnqueueRequest): Promise<QueueTicket>;
  /** Music is heard until somebody answers. Resolves 'connected' once both are talking: the flow is over. */
  transfer(to: TransferTo, options: { timeoutMs: number; music: PlayItem[] }): Promise<TransferEnd>;
  /** After the beep; ends by silence, #, hang-up or `maxMs`. A message that was left before a hang-up is kept. */
  voicemail(options: { queueId: string | undefined; maxMs: number; beep: PlayItem[] }): Promise<'recorded' | 'empty'>;
  callback(options: { queueId: string; number: string }): Promise<void>;
  hangup(cause: HangupCause): Promise<void>;
  /** While on: digits reach only `gather`, no other party, no recording (which pauses), no log and no event. Idempotent. */
  secure(on: boolean): Promise<void>;
}

/** The caller hung up, or somebody else took the call out of the flow. */
export class HostGone extends Error {
  constructor(why = 'The caller is gone') {
    super(why);
    this.name = 'HostGone';
  }
}
