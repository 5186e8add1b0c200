// Calls as the rooms above drive them: legs with parties, bridges between them. No word of queues or agents.
import type { LegStats } from '../media/api.ts';
import type { DiversionReason } from '../sip/index.ts';
import type { Forwarded } from '../trunks/index.ts';

export interface Party {
  /** E.164 with + when it is a public number, an extension otherwise, or 'anonymous'. */
  number: string;
  name?: string;
}

/** Why a leg ended. `q850` per RFC 3326/Q.850, `sip` the status that said so. */
export interface EndCause {
  by: 'party' | 'us' | 'failure';
  q850: number;
  sip?: number;
  text: string;
}

export interface DialogName {
  callId: string;
  localTag: string;
  remoteTag: string | undefined;
}

export type LegState = 'trying' | 'ringing' | 'early' | 'up' | 'ended';

export type LegEvents = {
  /** 180 or early media on an outgoing leg. */
  ringing: { early: boolean };
  up: Record<string, never>;
  /** The party put us on hold or took us back (re-INVITE with sendonly/inactive). */
  'held-by-party': { held: boolean };
  digit: { digit: string; ms: number; via: 'rfc4733' | 'inband' | 'info' };
  /** REFER from a phone: where to. The handler must call accept or refuse. */
  refer: {
    to: string;
    replaces?: string;
    /** The leg that `replaces` speaks of: the same phone's other call, when it is one of ours (RFC 3891 §3). */
    replaced?: Leg;
    accept(): void;
    progress(status: number, reason: string): void;
    refuse(status: number): void;
  };
  /** No audio from the party for `ms`; told again while it lasts. `held`: it has put us on hold and has a right to be silent. */
  silent: { ms: number; held: boolean };
  /** The connection of a browser closed, or is there again; its audio may go on all the same. */
  connection: { open: boolean };
  ended: { cause: EndCause; at: Date; stats?: LegStats };
};

export interface Playback {
  /** 'finished' when the last prompt ended by itself, 'stopped' when something else took over, 'ended' when the leg ended. */
  readonly done: Promise<'finished' | 'stopped' | 'ended'>;
  stop(): void;
}

export interface Leg {
  /** UUIDv7; the media leg has the same id. */
  readonly id: string;
  readonly direction: 'in' | 'out';
  readonly state: LegState;
  readonly trunkId: string | undefined;
  readonly phoneId: string | undefined;
  /** Of its SIP dialog. */
  readonly callId?: string | undefined;
  /** Its SIP dialog as others name it; the party's tag is there from its first word on. */
  readonly dialog?: DialogName | undefined;
  readonly from: Party;
  readonly to: Party;
  readonly createdAt: Date;
  readonly answeredAt: Date | undefined;
  /** The other leg while bridged. */
  readonly peer: Leg | undefined;
  readonly onHold: boolean;
  /** The party talks from a browser (WebRTC): a reload of its page takes the audio with it. */
  readonly browser: boolean;
  /** There is a way to the party; false while a browser has no connection to us. */
  readonly reachable: boolean;
  /** What the switch counted, once the leg has ended. */
  readonly finalStats: LegStats | undefined;
  /**
   * Resolves once a caller has acknowledged our answer, or the leg has ended. Who never acknowledges is gone after 32 s
   * (RFC 3261 §13.3.1.4): until then nobody's time is spent on them. At once for everybody else.
   */
  confirmed(): Promise<void>;
  /** Free for the owner; persisted with the leg and there again after a restart. */
  tag: Record<string, unknown>;
  saveTag(tag: Record<string, unknown>): void;
  on<K extends keyof LegEvents>(name: K, listener: (event: LegEvents[K]) => void): () => void;

  /** 180 to an incoming leg. */
  ring(): void;
  /** 183 with our audio, so that prompts can be heard before answering. */
  early(): Promise<void>;
  answer(): Promise<void>;
  /** Ends the leg whatever its state: 4xx/5xx/6xx by cause before the answer, CANCEL, or BYE. Idempotent. */
  hangup(cause?: { q850?: number; sip?: number; text?: string }): void;
  play(prompts: string[], options?: { loop?: boolean; fromMs?: number }): Playback;
  silence(): void;
  sendDigits(digits: string): Promise<void>;
  blockDigits(blocked: boolean): Promise<void>;
  /** Party hears `music` (prompt names) and we hear nothing of it; peers hear silence. */
  hold(music: string[]): Promise<void>;
  resume(): Promise<void>;
  /** Our side of the conversation is not heard by the peer. */
  mute(muted: boolean): Promise<void>;
  stats(): Promise<LegStats | undefined>;
  /**
   * Asks the peer within the dialog whether it is there still. False: no answer in time, or it knows nothing of the call;
   * then the leg has ended, as a failure, unless `end` is false: a network may come back.
   */
  probe(withinMs: number, options?: { end?: boolean }): Promise<boolean>;
}

export type DialTarget =
  | { kind: 'phone'; phoneId: string }
  /** All phones of an extension. */
  | { kind: 'extension'; extension: string }
  /** Out through a trunk; number in any form, made E.164 by the trunk's country. */
  | { kind: 'number'; number: string; trunkId?: string };

export interface DialOptions {
  from: Party;
  /** Leg this one will be bridged with: shares its media worker and its codec. */
  near?: Leg;
  tag?: Record<string, unknown>;
  ringTimeoutMs?: number;
  /** Extra header fields, e.g. Alert-Info, X-Interaction. */
  headers?: [string, string][];
  /** The call was meant for `by`: said where the trunk wants to hear it, and to phones. */
  forwarded?: { by: string; reason: DiversionReason } | undefined;
  /** A phone that answers with 3xx may send the call to another extension. Not for what must not leave its phone. */
  followPhones?: boolean;
  /** Somebody answered with 3xx. */
  onRedirect?(redirect: Redirect): void;
}

/** An answer 3xx: by whom, where to (as far as we follow it), and whether we do. */
export interface Redirect {
  by: string;
  to: string;
  status: number;
  followed: boolean;
}

export interface IncomingCall {
  leg: Leg;
  /** Trunk calls: the DID in E.164. Phone calls: what was dialled. */
  dialled: string;
  source: 'trunk' | 'phone';
  /** Who sent the caller on to us, the last one first. */
  forwarded: readonly Forwarded[];
  /**
   * The caller, a phone of ours, wants to have that leg's place (RFC 3891). `early`: it rings still, this is a pick-up.
   * Whether this phone may is for the handler to say.
   */
  replaces?: { leg: Leg; early: boolean };
  headers: (name: string) => string | undefined;
}

export interface Ringing {
  /** The leg that was answered first; the others are cancelled. Rejects with {@link DialFailed}. */
  readonly answered: Promise<Leg>;
  readonly legs: readonly Leg[];
  cancel(cause?: { q850?: number; text?: string }): void;
}

export class DialFailed extends Error {
  readonly cause_: EndCause;
  constructor(cause: EndCause) {
    super(cause.text);
    this.name = 'DialFailed';
    this.cause_ = cause;
  }
}

export interface Calls {
  /** New calls from trunks and phones. The handler must answer, reject or hang up; a throw makes a 500. */
  onIncoming(handler: (call: IncomingCall) => void | Promise<void>): void;
  /** Rings all endpoints of all targets at once. */
  dial(targets: DialTarget[], options: DialOptions): Ringing;
  /** Both hear each other until one ends, is held, or is routed elsewhere. */
  bridge(a: Leg, b: Leg): Promise<void>;
  unbridge(leg: Leg): Promise<void>;
  /** N legs that all hear each other (up to 8); or who hears whom for monitor and whisper. */
  mix(name: string, members: { leg: Leg; hear?: Leg[] }[]): Promise<void>;
  get(legId: string): Leg | undefined;
  readonly legs: ReadonlyMap<string, Leg>;
  /** After start: legs of the former process that are still up, with their tags. Call once, before onIncoming fires. */
  restore(): Promise<Leg[]>;
}
