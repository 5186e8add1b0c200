// The switch as `voice` sees it: idempotent requests over a Unix socket, events back. One leg = one party = one RTP port.

export type Codec = 'PCMA' | 'PCMU';

/** What a leg hears. */
export type Hear =
  | { kind: 'none' }
  | { kind: 'leg'; leg: string }
  /** Prompt names (see prompts.ts), one after another; `token` comes back in `played`. */
  | { kind: 'play'; prompts: string[]; loop?: boolean; fromMs?: number; token?: string }
  | { kind: 'mix'; mix: string; hear?: string[] };

export interface LegStats {
  leg: string;
  received: number;
  sent: number;
  lost: number;
  lossPct: number;
  jitterMs: number;
  rttMs: number;
  /** G.107 R and MOS of what we received from the party. */
  r: number;
  mos: number;
  strays: number;
}

export type MediaEvents = {
  digit: { leg: string; digit: string; phase: 'down' | 'up'; ms?: number; via: 'rfc4733' | 'inband' };
  played: { leg: string; token?: string };
  latched: { leg: string; remote: { address: string; port: number } };
  /** No RTP from the party for `ms`. */
  silent: { leg: string; ms: number };
  /** `media` is back after a death; legs it still has. */
  restored: { legs: string[] };
  connected: Record<string, never>;
  disconnected: Record<string, never>;
  'recording-closed': { recording: string; file: string; frames: number };
  'recording-failed': { recording: string; error: string };
};

/** Every method rejects with an Error saying what is wrong (no such leg, out of ports, media is away). */
export interface Media {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly connected: boolean;
  on<K extends keyof MediaEvents>(name: K, listener: (event: MediaEvents[K]) => void): () => void;
  /** `near`: share a worker with that leg, needed for legs that will meet. `strict`: never latch onto another address than announced. */
  createLeg(leg: {
    leg: string;
    near?: string;
    codec: Codec;
    telephoneEvent?: number;
    remote?: { address: string; port: number };
    strict?: boolean;
  }): Promise<{ port: number }>;
  updateLeg(leg: {
    leg: string;
    codec?: Codec;
    telephoneEvent?: number;
    remote?: { address: string; port: number };
    relatch?: boolean;
  }): Promise<void>;
  deleteLeg(leg: string): Promise<LegStats | undefined>;
  /** All in one go; a bridge is two entries. */
  route(routes: { leg: string; hear: Hear }[]): Promise<void>;
  /** While blocked, digits of this leg reach only `digit` events: not the other party, not a recording. */
  blockDigits(leg: string, blocked: boolean): Promise<void>;
  sendDigits(leg: string, digits: string): Promise<void>;
  startRecording(recording: {
    recording: string;
    file: string;
    legs: { leg: string; stream: number }[];
    meta?: unknown;
  }): Promise<void>;
  /** Stream 0 is the customer; every other stream goes to the right side. */
  addToRecording(recording: string, leg: string, stream: number): Promise<void>;
  markRecording(recording: string, mark: Record<string, unknown>): Promise<void>;
  pauseRecording(recording: string): Promise<void>;
  resumeRecording(recording: string): Promise<void>;
  stopRecording(recording: string): Promise<void>;
  stats(leg: string): Promise<LegStats | undefined>;
  list(): Promise<{ legs: string[]; recordings: string[] }>;
}
