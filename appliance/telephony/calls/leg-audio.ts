// A leg's voice: its port in the switch, and what SDP has settled about it. One for the leg's whole life.
import { type Codec, type Edge, type LegStats, type Media, needsEdge } from '../media/index.ts';
import {
  type Agreed,
  agreeToAnswer,
  parseSdp,
  type RemoteSdp,
  SdpError,
  type SdpFacts,
  SdpSession,
  TELEPHONE_EVENT,
} from '../sdp/index.ts';

/** The other side's description and ours have nothing in common, or it is none. */
export class NoCommonMedia extends Error {
  /** 488, or 400 for what is no SDP. */
  readonly status: 400 | 488;
  constructor(status: 400 | 488, message: string) {
    super(message);
    this.name = 'NoCommonMedia';
    this.status = status;
  }
}

export interface LegAudioOptions {
  leg: string;
  media: Pick<Media, 'createLeg' | 'updateLeg' | 'deleteLeg'>;
  edge: Pick<Edge, 'answer' | 'offer' | 'settle' | 'remove'> | undefined;
  /** A leg it will be bridged with: same worker, same codec. */
  near?: { leg: string; codec: Codec } | undefined;
  /** Trunks announce the truth: never follow audio from elsewhere. */
  strict: boolean;
  /** Plain audio is refused. */
  encrypted?: boolean;
  /** What we like, best first. */
  prefer: readonly Codec[];
}

/** Plain JSON. */
export interface AudioFacts {
  codec: Codec;
  telephoneEvent: number | null;
  local: { address: string; port: number } | null;
  remote: { address: string; port: number } | null;
  sdp: SdpFacts | null;
  edge: Record<string, unknown> | null;
}

export class LegAudio {
  readonly #options: LegAudioOptions;
  readonly #session: SdpSession;
  readonly #prefer: Codec[];
  #codec: Codec;
  #telephoneEvent: number | undefined;
  #remote: { address: string; port: number } | undefined;
  #local: { address: string; port: number } | undefined;
  #edge: Record<string, unknown> | undefined;
  #answer: Promise<{ body: string; held: boolean }> | undefined;
  /** rtpengine started anew and knows nothing of this leg: its party needs a new offer. */
  lostAtEdge = false;
  #open = false;
  #closed = false;

  constructor(options: LegAudioOptions, facts?: AudioFacts) {
    this.#options = options;
    this.#session = new SdpSession(facts?.sdp ?? undefined);
    const { near } = options;
    this.#prefer =
      near && options.prefer.includes(near.codec)
        ? [near.codec, ...options.prefer.filter((codec) => codec !== near.codec)]
        : [...options.prefer];
    this.#codec = facts?.codec ?? this.#prefer[0] ?? 'PCMA';
    this.#telephoneEvent = facts?.telephoneEvent ?? undefined;
    this.#local = facts?.local ?? undefined;
    this.#remote = facts?.remote ?? undefined;
    this.#edge = facts?.edge ?? undefined;
    this.#open = facts?.local != null;
  }

  get codec(): Codec {
    return this.#codec;
  }

  /** There is a port in the switch. */
  get open(): boolean {
    return this.#open && !this.#closed;
  }

  get encrypted(): boolean {
    return this.#options.encrypted ?? false;
  }

  get throughEdge(): boolean {
    return this.#edge !== undefined;
  }

  get facts(): AudioFacts {
    return {
      codec: this.#codec,
      telephoneEvent: this.#telephoneEvent ?? null,
      local: this.#local ?? null,
      remote: this.#remote ?? null,
      sdp: this.#session.facts,
      edge: this.#edge ?? null,
    };
  }

  /** The answer to the party's first offer; the same one for 183 and 200. */
  answer(offer: string, address: string): Promise<{ body: string; held: boolean }> {
    this.#answer ??= this.#firstAnswer(offer, address);
    return this.#answer;
  }

  async #firstAnswer(offer: string, address: string): Promise<{ body: string; held: boolean }> {
    const remote = read(offer);
    const { edge, encrypted } = this.#options;
    if (encrypted && isPlain(remote)) throw new NoCommonMedia(488, 'audio must be encrypted here');
    if (!isPlain(remote) && needsEdge(offer)) {
      if (!edge) throw new NoCommonMedia(488, 'media that only the edge understands, and there is none');
      const port = await this.#create({});
      const done = await edge.answer({ leg: this.#options.leg, offer, inner: port, facts: this.#edge });
      this.#edge = done.facts;
      await this.#take({ codec: done.codec, telephoneEvent: done.telephoneEvent, remote: done.remote });
      return { body: done.body, held: done.held };
    }
    // The answer needs the port, the port's leg needs what is agreed: a trial says it before anything is opened.
    const trial = new SdpSession().answer(remote, { address, port: 9 }, this.#prefer);
    if (!trial) throw new NoCommonMedia(488, 'no codec in common');
    this.#note(trial.agreed);
    const port = await this.#create({ remote: audible(trial.agreed) });
    this.#local = { address, port };
    const { body, agreed } = this.#session.answer(remote, this.#local, this.#prefer)!;
    return { body, held: agreed.held };
  }

  /** Our offer: for an INVITE of ours, or for one that came without. */
  async offer(address: string, secured?: 'webrtc' | 'sdes'): Promise<string> {
    const port = await this.#create({});
    if (secured) {
      const { edge } = this.#options;
      if (!edge) throw new NoCommonMedia(488, 'secured media, and no edge');
      const { lostAtEdge: forgotten } = this;
      const done = await edge.offer({
        leg: this.#options.leg,
        kind: secured,
        inner: port,
        facts: this.#edge,
        forgotten,
      });
      this.#edge = done.facts;
      this.lostAtEdge = false;
      return done.body;
    }
    this.#local = { address, port };
    return this.#session.offer(this.#local, {
      codecs: this.#prefer,
      telephoneEvent: this.#telephoneEvent ?? TELEPHONE_EVENT,
    });
  }

  /** The party's answer to our offer; the last one counts (early media, then 200). */
  async settle(answer: string): Promise<{ held: boolean }> {
    // What it answers is about ports that are gone; the offer that follows is what counts.
    if (this.lostAtEdge) return { held: false };
    if (this.#edge) {
      const done = await this.#options.edge!.settle({ leg: this.#options.leg, answer, facts: this.#edge });
      this.#edge = done.facts;
      await this.#take({ codec: done.codec, telephoneEvent: done.telephoneEvent, remote: done.remote });
      return { held: done.held };
    }
    const agreed = agreeToAnswer(read(answer));
    if (!agreed) throw new NoCommonMedia(488, 'the answer has no codec of ours');
    await this.#take(agreed);
    return { held: agreed.held };
  }

  /** A new offer in the middle of the call. Nothing changes when it cannot be answered. */
  async change(offer: string): Promise<{ body: string; held: boolean }> {
    const remote = read(offer);
    if (this.#edge) {
      const done = await this.#options.edge!.answer({
        leg: this.#options.leg,
        offer,
        inner: this.#local?.port ?? 0,
        facts: this.#edge,
      });
      this.#edge = done.facts;
      await this.#take({ codec: done.codec, telephoneEvent: done.telephoneEvent, remote: done.remote });
      return { body: done.body, held: done.held };
    }
    if (!this.#local) throw new NoCommonMedia(488, 'no audio yet');
    // The codec in use stays first, so that nobody has to switch without need.
    const answered = this.#session.answer(remote, this.#local, [this.#codec, ...this.#prefer]);
    if (!answered) throw new NoCommonMedia(488, 'no codec in common');
    await this.#take(answered.agreed);
    return { body: answered.body, held: answered.agreed.held };
  }

  /** What we last said, to a re-INVITE that brings no offer. */
  again(): string | undefined {
    return this.#local && !this.#edge ? this.#session.again(this.#local) : undefined;
  }

  /** The switch (`lost`) or the edge has forgotten the leg: made again there, and an offer that says so. */
  async reopen(lost: boolean): Promise<string> {
    const address = this.#local?.address ?? '127.0.0.1';
    if (lost) this.#open = false;
    return this.offer(address, this.#edge ? (this.#edge.kind === 'sdes' ? 'sdes' : 'webrtc') : undefined);
  }

  async close(): Promise<LegStats | undefined> {
    if (this.#closed) return undefined;
    this.#closed = true;
    if (this.#edge) void this.#options.edge?.remove(this.#options.leg, this.#edge).catch(() => {});
    return this.#open ? this.#options.media.deleteLeg(this.#options.leg) : undefined;
  }

  async #create(more: { remote?: { address: string; port: number } | undefined }): Promise<number> {
    if (this.#open && this.#local) return this.#local.port;
    const { leg, media, near, strict } = this.#options;
    const { port } = await media.createLeg({
      leg,
      codec: this.#codec,
      strict,
      ...(near ? { near: near.leg } : {}),
      ...(this.#telephoneEvent === undefined ? {} : { telephoneEvent: this.#telephoneEvent }),
      ...(more.remote ? { remote: more.remote } : {}),
    });
    this.#open = true;
    this.#local = { address: this.#local?.address ?? '127.0.0.1', port };
    // The leg ended while the port was being opened.
    if (this.#closed) await media.deleteLeg(leg);
    return port;
  }

  async #take(agreed: Pick<Agreed, 'codec' | 'telephoneEvent' | 'remote'>): Promise<void> {
    const before = JSON.stringify([this.#codec, this.#telephoneEvent, this.#remote]);
    this.#note(agreed);
    if (JSON.stringify([this.#codec, this.#telephoneEvent, this.#remote]) === before || this.#closed) return;
    const remote = audible(agreed);
    await this.#options.media.updateLeg({
      leg: this.#options.leg,
      codec: this.#codec,
      ...(this.#telephoneEvent === undefined ? {} : { telephoneEvent: this.#telephoneEvent }),
      ...(remote ? { remote } : {}),
    });
  }

  #note(agreed: Pick<Agreed, 'codec' | 'telephoneEvent' | 'remote'>): void {
    this.#codec = agreed.codec;
    this.#telephoneEvent = agreed.telephoneEvent;
    this.#remote = agreed.remote;
  }
}

/** G.711 without encryption: the switch takes it as it is. */
function isPlain({ audio }: RemoteSdp): boolean {
  return audio !== undefined && audio.security === 'none' && audio.codecs.length > 0;
}

/** 0.0.0.0 is hold, not an address to send to. */
function audible(agreed: Pick<Agreed, 'remote'>): { address: string; port: number } | undefined {
  return agreed.remote.address === '0.0.0.0' || agreed.remote.address === '::' ? undefined : agreed.remote;
}

function read(text: string): RemoteSdp {
  try {
    return parseSdp(text);
  } catch (error) {
    if (error instanceof SdpError) throw new NoCommonMedia(400, error.message);
    throw error;
  }
}
