import type { RTCSession } from 'jssip/lib/RTCSession';
import type { UA } from 'jssip/lib/UA';
import { ApiError, get } from '#lib/api/client.ts';
import { devices } from './devices.svelte.ts';
import { Level } from './level.svelte.ts';
import { type AudioCounts, audioCounts, type QualityProblem, qualityProblem } from './quality.ts';

export type PhoneState =
  /** Not asked for: this person takes no calls. */
  | 'off'
  /** Calls go to a desk phone or an outside number; the box steers it. */
  | 'desk'
  | 'connecting'
  | 'ready'
  /** Not registered; trying again. */
  | 'failed'
  /** Another tab of this browser holds the phone. */
  | 'elsewhere';

interface Credentials {
  uri: string;
  username: string;
  password: string;
  wss: string;
  extension: string;
}

/** JsSIP's way to the box, which its types leave out. */
type Reached = UA & { transport: { connect(): void; disconnect(): void } | null };

interface Held {
  session: RTCSession;
  interactionId: string | undefined;
}

/** One tab of a browser holds the phone; the others wait for this lock, or take it. */
const LOCK = 'strongroom.phone';
const EXPECT_MS = 20_000;
const AGAIN_MS = 10_000;
const QUALITY_EVERY_MS = 5_000;
const DISCONNECTED_MS = 3_000;

/** The browser's telephone: registers, rings, answers, and carries the audio. Everything else about a call is asked of the box. */
export class Phone {
  readonly level = new Level();
  #state = $state<PhoneState>('off');
  #extension = $state<string | undefined>();
  #ringing = $state.raw<Held | undefined>();
  #talking = $state.raw<Held | undefined>();
  #problem = $state<QualityProblem | undefined>();
  #ua: Reached | undefined;
  #release: (() => void) | undefined;
  #closed = false;
  #ringOn: string | null = null;
  #expectUntil = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #repair: ReturnType<typeof setTimeout> | undefined;
  #waiting: AbortController | undefined;
  #tookOver = $state(false);
  readonly #tabs = new BroadcastChannel(LOCK);
  readonly #audio = new Audio();

  constructor() {
    // Accepted in a tab that has not got the phone: this one answers.
    this.#tabs.onmessage = ({ data }) => {
      if (data === 'answer' && this.#release) this.expectCall();
    };
    window.addEventListener('online', this.#renewed);
  }

  get state(): PhoneState {
    return this.#state;
  }
  get extension(): string | undefined {
    return this.#extension;
  }
  get isRinging(): boolean {
    return this.#ringing !== undefined;
  }
  /** Which interaction rings here, when the box said so. */
  get ringingFor(): string | undefined {
    return this.#ringing?.interactionId;
  }
  get isTalking(): boolean {
    return this.#talking !== undefined;
  }
  get quality(): QualityProblem | undefined {
    return this.#problem;
  }

  /** Waits for the phone of this browser (one tab holds it at a time), then registers and stays registered. */
  async start(ringOn: string | null): Promise<void> {
    this.#ringOn = ringOn;
    if (ringOn === 'phone' || ringOn === 'number') {
      this.#state = 'desk';
      return;
    }
    this.#state = 'elsewhere';
    this.#waiting?.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    await this.#hold({ signal: waiting.signal });
  }

  /** The phone comes from another tab to this one, and a call with it. */
  async takeOver(): Promise<void> {
    if (this.#state !== 'elsewhere') return;
    this.#waiting?.abort();
    this.#tookOver = true;
    await this.#hold({ steal: true });
  }

  /** True until the call that came along is heard here. */
  get tookOver(): boolean {
    return this.#tookOver;
  }

  async #hold(how: LockOptions): Promise<void> {
    try {
      await navigator.locks.request(LOCK, how, async () => {
        if (this.#closed) return;
        this.#state = 'connecting';
        const released = new Promise<void>((resolve) => {
          this.#release = resolve;
        });
        // Each asking makes new credentials, so nobody asks before it is this tab's turn.
        await this.#ask();
        await released;
      });
    } catch (error) {
      if (how.signal?.aborted) return;
      if (error instanceof DOMException && error.name === 'AbortError') this.#handOver();
      else this.#giveUp();
    }
  }

  async #ask(): Promise<void> {
    const credentials = await this.#credentials();
    if (!credentials || this.#closed) return;
    this.#extension = credentials.extension;
    await this.#register(credentials);
  }

  /** Another tab has taken the phone. Without a farewell, as if this page were gone: the box rings the other one. */
  #handOver(): void {
    clearTimeout(this.#retry);
    const ua = this.#ua;
    this.#ua = undefined;
    ua?.transport?.disconnect();
    for (const held of [this.#talking, this.#ringing]) held?.session.connection?.close();
    this.#talking = undefined;
    this.#ringing = undefined;
    this.#hush();
    this.#release?.();
    this.#release = undefined;
    if (!this.#closed) void this.start(this.#ringOn);
  }

  #giveUp(): void {
    this.#state = 'failed';
    this.#release?.();
    this.#release = undefined;
    this.#again();
  }

  /** The computer slept or has another network: a connection that looks alive may be dead. Calls go on meanwhile. */
  refresh(): void {
    const transport = this.#ua?.transport;
    if (!transport) return;
    this.#state = 'connecting';
    transport.disconnect();
    transport.connect();
  }

  readonly #renewed = (): void => this.refresh();

  /** The next call that rings within some seconds is one we asked for: answer it at once. */
  expectCall(): void {
    if (this.#state === 'elsewhere') {
      this.#tabs.postMessage('answer');
      return;
    }
    this.#expectUntil = Date.now() + EXPECT_MS;
    if (this.#ringing) this.answer();
  }

  answer(): boolean {
    const ringing = this.#ringing;
    if (!ringing) return false;
    this.#expectUntil = 0;
    ringing.session.answer({
      mediaConstraints: { audio: devices.constraints(), video: false },
      // No servers from outside: everything is found on the box's own addresses.
      pcConfig: { iceServers: [], rtcpMuxPolicy: 'require' },
    });
    return true;
  }

  reject(): void {
    this.#ringing?.session.terminate({ status_code: 486 });
  }

  hangUp(): boolean {
    if (!this.#talking) return false;
    this.#talking.session.terminate();
    return true;
  }

  /** Silences our microphone here and now, before the box has heard of it. */
  mute(muted: boolean): void {
    const session = this.#talking?.session;
    if (muted) session?.mute({ audio: true });
    else session?.unmute({ audio: true });
  }

  async useSpeaker(): Promise<void> {
    await this.#audio.setSinkId?.(devices.speaker).catch(() => undefined);
  }

  /** Changes the microphone of the call in progress without a new negotiation. */
  async useMicrophone(): Promise<void> {
    const sender = this.#talking?.session.connection?.getSenders().find((s) => s.track?.kind === 'audio');
    if (!sender) return;
    const stream = await devices.open();
    const track = stream?.getAudioTracks()[0];
    if (!stream || !track) return;
    track.enabled = sender.track?.enabled ?? true;
    sender.track?.stop();
    await sender.replaceTrack(track);
    this.level.listen(stream);
  }

  /** Somebody chose another phone: the browser's registers or goes away, from now on. */
  choose(ringOn: string): void {
    if (ringOn === this.#ringOn) return;
    clearTimeout(this.#retry);
    this.#ua?.stop();
    this.#ua = undefined;
    this.#release?.();
    this.#release = undefined;
    void this.start(ringOn);
  }

  close(): void {
    this.#closed = true;
    window.removeEventListener('online', this.#renewed);
    this.#tabs.close();
    this.#waiting?.abort();
    clearTimeout(this.#retry);
    this.#hush();
    this.#ua?.stop();
    this.#release?.();
  }

  async #credentials(): Promise<Credentials | undefined> {
    try {
      const answer = await get<Credentials | null | undefined>('/me/phone');
      if (answer?.uri) return answer;
      this.#state = 'desk';
    } catch (error) {
      if (error instanceof ApiError && (error.status === 404 || error.status === 409)) {
        this.#state = 'desk';
      } else {
        this.#giveUp();
      }
    }
    return undefined;
  }

  #again(): void {
    clearTimeout(this.#retry);
    if (!this.#closed) this.#retry = setTimeout(() => void this.start(this.#ringOn), AGAIN_MS);
  }

  async #register(credentials: Credentials): Promise<void> {
    this.#state = 'connecting';
    void devices.open().then((stream) => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    });
    const { default: JsSIP } = await import('jssip');
    if (this.#closed) return;
    const socket = new JsSIP.WebSocketInterface(`${location.origin.replace(/^http/, 'ws')}${credentials.wss}`);
    const ua = new JsSIP.UA({
      sockets: [socket],
      uri: credentials.uri,
      authorization_user: credentials.username,
      password: credentials.password,
      register_expires: 120,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 4,
      session_timers: false,
      user_agent: 'Strongroom desktop',
    });
    this.#ua = ua as Reached;
    // Another phone was chosen meanwhile: the last words of this one do not count.
    const current = (heard: () => void) => () => {
      if (this.#ua === ua) heard();
    };
    ua.on(
      'registered',
      current(() => {
        this.#state = 'ready';
        const talking = this.#talking?.session;
        if (talking && /^(disconnected|failed)$/.test(talking.connection?.iceConnectionState)) this.#newPath(talking);
      }),
    );
    ua.on(
      'disconnected',
      current(() => {
        this.#state = 'failed';
      }),
    );
    ua.on(
      'unregistered',
      current(() => {
        if (this.#state === 'ready') this.#state = 'failed';
      }),
    );
    ua.on(
      'registrationFailed',
      current(() => {
        this.#state = 'failed';
        // The password of this session may have been replaced: stop, ask for a new one. The phone stays with this tab.
        if (!this.#talking && ua.isConnected()) {
          ua.stop();
          this.#ua = undefined;
          clearTimeout(this.#retry);
          this.#retry = setTimeout(() => void this.#ask(), AGAIN_MS);
        }
      }),
    );
    ua.on(
      'newRTCSession',
      (event: {
        originator: string;
        session: RTCSession;
        request: { getHeader(name: string): string | undefined };
      }) => {
        if (event.originator === 'remote') this.#incoming(event.session, event.request.getHeader('X-Interaction'));
      },
    );
    ua.start();
  }

  #incoming(session: RTCSession, interactionId: string | undefined): void {
    if (this.#ringing) {
      session.terminate({ status_code: 486 });
      return;
    }
    const held: Held = { session, interactionId };
    this.#ringing = held;
    session.on('peerconnection', ({ peerconnection }) => {
      peerconnection.addEventListener('track', (event) => {
        this.#audio.srcObject = event.streams[0] ?? new MediaStream([event.track]);
        void this.useSpeaker().then(() => this.#audio.play().catch(() => undefined));
      });
      peerconnection.addEventListener('iceconnectionstatechange', () => {
        clearTimeout(this.#repair);
        const { iceConnectionState: state } = peerconnection;
        if (state === 'failed') this.#newPath(session);
        // Often it comes back by itself.
        else if (state === 'disconnected') this.#repair = setTimeout(() => this.#newPath(session), DISCONNECTED_MS);
      });
    });
    session.on('accepted', () => {
      if (this.#ringing === held) this.#ringing = undefined;
      this.#talking = held;
      this.#tookOver = false;
    });
    session.on('confirmed', () => this.#listen(session));
    const ended = () => {
      if (this.#ringing === held) this.#ringing = undefined;
      if (this.#talking === held) {
        this.#talking = undefined;
        this.#hush();
      }
    };
    session.on('ended', ended);
    session.on('failed', ended);
    if (Date.now() < this.#expectUntil) this.answer();
  }

  /** The network has changed under the call: a new offer finds another way for the audio. */
  #newPath(session: RTCSession): void {
    if (this.#talking?.session !== session || !this.#ua?.isConnected()) return;
    session.renegotiate({ rtcOfferConstraints: { iceRestart: true } });
  }

  #listen(session: RTCSession): void {
    const connection = session.connection;
    const track = connection?.getSenders().find((s) => s.track?.kind === 'audio')?.track;
    if (track) this.level.listen(new MediaStream([track]));
    let before: AudioCounts | undefined;
    clearInterval(this.#watch);
    this.#watch = setInterval(async () => {
      const now = await audioCounts(connection);
      if (now && before) this.#problem = qualityProblem(before, now);
      before = now;
    }, QUALITY_EVERY_MS);
  }

  #hush(): void {
    clearInterval(this.#watch);
    clearTimeout(this.#repair);
    this.#problem = undefined;
    this.level.stop();
    this.#audio.srcObject = null;
  }
}
