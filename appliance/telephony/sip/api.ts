// What the rooms above may use of the SIP stack. RFC 3261 terms throughout; nothing here knows contact centers.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { SipRequest, SipResponse } from './message/message.ts';
import type { SipUri } from './message/uri.ts';
import type { Dns } from './resolver/resolve.ts';
import type { SipTimers } from './transaction/timers.ts';
import type { TlsOptions } from './transport/tls.ts';
import type { WebSocketLike } from './transport/ws.ts';

export type TransportName = 'udp' | 'tcp' | 'tls' | 'ws';

/** Where a message came from or goes to: a connection for stream transports, an address pair for UDP. */
export interface Flow {
  readonly id: string;
  readonly transport: TransportName;
  readonly remote: { address: string; port: number };
  /** Our side, as the peer reaches it: goes into Via, Contact and SDP. */
  readonly local: { address: string; port: number };
  readonly open: boolean;
  /** Called once when a connection is gone; never for UDP. Returns what takes the listener off. */
  onClose?(listener: () => void): () => void;
}

export interface Credentials {
  username: string;
  /** Either the password, or HA1 per algorithm (RFC 7616 §3.4.2). */
  password?: string;
  ha1?: { MD5?: string; 'SHA-256'?: string };
}

export interface Reply {
  status: number;
  reason?: string;
  /** Extra header fields, in order. Names and values are checked for CR and LF. */
  headers?: [name: string, value: string][];
  contentType?: string;
  body?: string | Buffer;
  /** Provisional responses to INVITE: sent reliably (RFC 3262) when the caller can; always when he insists. */
  reliable?: boolean;
}

/** A request outside of dialogs other than INVITE: REGISTER, OPTIONS, SUBSCRIBE, MESSAGE... */
export interface IncomingRequest {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** Sends the final (or a provisional) response. */
  respond(reply: Reply): void;
  /**
   * The dialog a SUBSCRIBE makes (RFC 6665 §4.4.1): the response then carries its tag and our Contact. Our requests in it
   * may only follow the response.
   * @throws {SipSyntaxError} when the sender's Contact cannot be read.
   */
  subscribe(): Dialog;
}

/** A new INVITE from outside. 100 Trying has been sent. */
export interface IncomingInvite extends Omit<IncomingRequest, 'subscribe'> {
  /** The dialog that accept() will make: to be stored before the caller hears of it. */
  readonly facts: DialogFacts;
  /** The early dialog, once a reliable provisional response made it; the one that `accept` returns. */
  readonly dialog: Dialog | undefined;
  /** Provisional responses make an early dialog: the To tag is fixed from the first one on. */
  progress(reply: Reply): void;
  /** Any final failure, 300 to 699. */
  reject(reply: Reply): void;
  /** 200 OK; repeated until the ACK comes (RFC 3261 §13.3.1.4). The dialog is usable at once; `acked` resolves with the ACK's body or rejects after 64*T1. */
  accept(reply: { contentType?: string; body?: string; headers?: [string, string][] }): {
    dialog: Dialog;
    acked: Promise<SipRequest>;
  };
  /** The caller gave up (CANCEL, or the transport is gone): 487 has been sent. */
  onCancel(listener: (reason: { q850?: number; sip?: number; text?: string }) => void): void;
}

export interface InviteOptions {
  to: SipUri;
  from: { uri: SipUri; displayName?: string };
  contact: { user: string; params?: Record<string, string> };
  /** Request-URI when it differs from `to`. */
  target?: SipUri;
  routes?: SipUri[];
  /** Send over this connection (phones behind WebSocket or TCP), else RFC 3263 on the target. */
  flow?: Flow;
  credentials?: Credentials;
  headers?: [string, string][];
  contentType?: string;
  body?: string;
  /** Fixed by the caller when it wants to persist them before sending. */
  callId?: string;
  fromTag?: string;
  branch?: string;
  /** Late offer: we sent no body, the 2xx carries the offer, this gives the answer for the ACK (RFC 3264 in RFC 3261 §13.2.1). */
  answer?: (response: SipResponse) => SessionBody | undefined;
}

export interface SessionBody {
  contentType?: string;
  body: string;
}

export interface OutgoingInvite {
  readonly callId: string;
  /** What is needed to CANCEL it from a later process. */
  readonly facts: InviteFacts;
  /** Provisional responses but 100. Reliable ones are acknowledged by the stack and told once. */
  onProgress(listener: (response: SipResponse) => void): void;
  /** A fork rings reliably (RFC 3262): its dialog can carry UPDATE (RFC 3311) before the answer. */
  onEarlyDialog(listener: (dialog: Dialog) => void): void;
  /** The first 2xx has been acknowledged. Rejects with `InviteFailed` on any other final response, time-out or transport failure. */
  readonly answered: Promise<{ dialog: Dialog; response: SipResponse }>;
  /** CANCEL as soon as RFC 3261 §9.1 allows; a 2xx that crosses it is acknowledged and ended with BYE. */
  cancel(reason?: { q850?: number; sip?: number; text?: string }): void;
  /** The facts changed (name resolved, credentials asked for, next address tried): persist them. */
  onChange(listener: () => void): void;
}

export class InviteFailed extends Error {
  readonly status: number;
  readonly response: SipResponse | undefined;
  constructor(status: number, reason: string, response?: SipResponse) {
    super(`${status} ${reason}`);
    this.name = 'InviteFailed';
    this.status = status;
    this.response = response;
  }
}

/** A request other than INVITE that got no final response. Final responses, failures included, are returned. */
export class RequestFailed extends Error {
  /** 408 no answer, 503 transport failed, 481 the dialog is over. */
  readonly status: number;
  constructor(status: number, reason: string) {
    super(`${status} ${reason}`);
    this.name = 'RequestFailed';
    this.status = status;
  }
}

/** Plain JSON: all that another process needs to go on with a dialog (RFC 3261 §12). */
export interface DialogFacts {
  callId: string;
  localTag: string;
  remoteTag: string;
  localUri: string;
  remoteUri: string;
  localSeq: number;
  remoteSeq: number | null;
  remoteTarget: string;
  routeSet: string[];
  localContact: string;
  secure: boolean;
  flow: { transport: TransportName; address: string; port: number; local: { address: string; port: number } };
  /** Requests go over that connection (or UDP address) rather than to where the target's name leads: phones behind NAT, browsers. */
  viaFlow: boolean;
  /** Session timer agreed on (RFC 4028). */
  session?: { expiresS: number; weRefresh: boolean };
  /** The peer can be refreshed by UPDATE. */
  allowsUpdate?: boolean;
  /** Our last session description: what a refresh by re-INVITE repeats. */
  localSession?: SessionBody;
  role: 'uac' | 'uas';
  /** Absent: a call. A subscription's dialog ends without BYE (RFC 6665 §4.4.1). */
  usage?: 'subscription';
}

export interface InviteFacts {
  callId: string;
  localTag: string;
  localUri: string;
  remoteUri: string;
  requestUri: string;
  seq: number;
  branch: string;
  routes: string[];
  flow: DialogFacts['flow'];
}

export interface InDialogRequest {
  readonly request: SipRequest;
  respond(reply: Reply): void;
  /** re-INVITE: called with the ACK of our 2xx, whose body is the answer when ours was the offer. */
  onAck(listener: (ack: SipRequest) => void): void;
}

export interface ReinviteOptions {
  contentType?: string;
  body?: string;
  headers?: [string, string][];
  /** As in {@link InviteOptions}. */
  answer?: (response: SipResponse) => SessionBody | undefined;
}

/** A confirmed dialog. */
export interface Dialog {
  readonly id: string;
  readonly callId: string;
  readonly facts: DialogFacts;
  readonly terminated: boolean;
  /** Header fields sent with every request of ours in this dialog (Contact is automatic). `patient`: no answer ends nothing. */
  request(
    method: string,
    options?: {
      headers?: [string, string][];
      contentType?: string;
      body?: string;
      credentials?: Credentials;
      patient?: boolean;
    },
  ): Promise<SipResponse>;
  /** re-INVITE; the ACK is sent by the stack. Rejects with InviteFailed; 491 is retried as RFC 3261 §14.1 says. */
  reinvite(options: ReinviteOptions): Promise<SipResponse>;
  /** Idempotent. The dialog of a subscription ends without a word. */
  bye(options?: { headers?: [string, string][] }): void;
  /** re-INVITE, UPDATE, INFO, REFER, NOTIFY, MESSAGE, BYE. BYE has been answered already. A handler that does not respond in 20 s makes a 500. */
  onRequest(listener: (request: InDialogRequest) => void): void;
  /** BYE from either side, 408/481 on a request of ours, or no ACK. Once. */
  onEnd(listener: (end: { by: 'us' | 'peer' | 'failure'; q850?: number; status?: number }) => void): void;
  /** Facts changed (CSeq, target): persist them. */
  onChange(listener: () => void): void;
}

export interface ListenOptions {
  udp?: { host: string; port: number };
  tcp?: { host: string; port: number };
  tls?: { host: string; port: number } & TlsOptions;
}

/** The smallest logger that serves; pino's fits. */
export interface SipLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface TraceEntry {
  at: Date;
  direction: 'in' | 'out';
  flow: Flow;
  /** As on the wire. Secrets (Authorization) are in it: mask before showing. */
  message: Buffer;
}

export type Admission = { ok: true } | { ok: false; status: number; retryAfterS?: number } | { ok: false; drop: true };

export interface SipStackOptions {
  listen: ListenOptions;
  userAgent: string;
  log: SipLog;
  clock?: Clock;
  timers?: Partial<SipTimers>;
  /** The connection behind which a contact is to be found: a browser's WebSocket, a phone's TCP connection. */
  resolveFlow?: (uri: SipUri) => Flow | undefined;
  /** Every message that comes or goes. Must be quick. */
  trace?: (entry: TraceEntry) => void;
  /** Asked once for each new request outside of dialogs, before anything is answered. */
  admit?: (flow: Flow, request: SipRequest) => Admission;
  /** The address peers reach us at, when it is not the one of our interface (1:1 NAT). */
  advertise?: (remote: string) => string | undefined;
  /** Option tags of RFC 3261 §20.32 that users of the stack understand; the stack adds its own. */
  supported?: string[];
  /** RFC 4028 with peers that support it; 1800 s, at least 90. False: never. */
  sessionTimer?: { expiresS: number; minS: number } | false;
  /** Requests larger than this go over TCP where we listen on it, then over UDP (RFC 3261 §18.1.1); 1300. */
  tcpAboveBytes?: number;
  /** NAPTR, SRV and addresses; the system's when absent. */
  dns?: Dns;
  /** Requests in unknown dialogs wait for `adopted()`: a process that takes over must not end calls it has not read yet. */
  adopting?: boolean;
  /** Without traffic a connection is closed after this; 15 minutes. */
  idleMs?: number;
  /** A new connection without a whole message is closed after this; 32 s. */
  firstMessageMs?: number;
}

export interface RequestOptions {
  method: string;
  /** Request-URI. */
  uri: SipUri;
  to: { uri: SipUri; displayName?: string };
  from: { uri: SipUri; displayName?: string };
  /** Contact with this user part; none when absent. */
  contact?: { user: string; params?: Record<string, string>; headerParams?: Record<string, string> };
  routes?: SipUri[];
  flow?: Flow;
  credentials?: Credentials;
  headers?: [string, string][];
  contentType?: string;
  body?: string;
  /** REGISTER refreshes keep Call-ID and From tag and count CSeq up (RFC 3261 §10.2). The retry after a challenge takes one more. */
  callId?: string;
  fromTag?: string;
  cseq?: number;
  /** Give up earlier than 64*T1. */
  timeoutMs?: number;
}

export interface SipStack {
  start(): Promise<void>;
  /** Closes sockets and forgets transactions and dialogs; sends nothing. */
  stop(): Promise<void>;
  onInvite(handler: (invite: IncomingInvite) => void): void;
  /** Requests outside of dialogs other than INVITE. Without a handler OPTIONS gets 200 and the rest 405. */
  onRequest(handler: (request: IncomingRequest) => void): void;
  invite(options: InviteOptions): OutgoingInvite;
  /** @throws {RequestFailed} (as a rejection) when no final response came. */
  request(options: RequestOptions): Promise<SipResponse>;
  /** A dialog of a former process goes on here. */
  restoreDialog(facts: DialogFacts): Dialog;
  /** Ends an INVITE that a former process sent: CANCEL, and should it be answered nevertheless, ACK and BYE. */
  cancelOrphan(facts: InviteFacts): void;
  /** With `adopting`: every dialog of the former process is restored; requests for dialogs that are unknown now get 481. */
  adopted(): void;
  /** A socket of the `ws` package that speaks the subprotocol "sip". `local`: the web server's address, for Via and Contact. */
  acceptWebSocket(
    socket: WebSocketLike,
    remote: { address: string; port: number },
    local?: { address: string; port: number },
  ): Flow;
  /** Connections that are up. */
  readonly flows: Flow[];
  /** The way to an address: a connection that is open, a new one, or none (a browser's WebSocket that is gone). */
  flowTo(transport: TransportName, address: string, port: number): Flow | undefined;
  /** Our side's address towards a peer. */
  localAddressFor(remote: string): string;
  /** Confirmed dialogs and running transactions: what a drain waits for. */
  readonly size: { dialogs: number; transactions: number };
}
