// What the rooms above may use of the SIP stack. RFC 3261 terms throughout; nothing here knows contact centers.
import type { SipUri } from './message/uri.ts';
import type { SipRequest, SipResponse } from './message/message.ts';

export type TransportName = 'udp' | 'tcp' | 'tls' | 'ws';

/** Where a message came from or goes to: a connection for stream transports, an address pair for UDP. */
export interface Flow {
  readonly id: string;
  readonly transport: TransportName;
  readonly remote: { address: string; port: number };
  /** Our side, as the peer reaches it: goes into Via, Contact and SDP. */
  readonly local: { address: string; port: number };
  readonly open: boolean;
}

export interface Credentials {
  username: string;
  /** Either the password, or HA1 per algorithm (RFC 7616 §3.4.2). */
  password?: string;
}

export interface Reply {
  status: number;
  reason?: string;
  /** Extra header fields, in order. Names and values are checked for CR and LF. */
  headers?: [name: string, value: string][];
  contentType?: string;
  body?: string | Buffer;
}

/** A request outside of dialogs other than INVITE: REGISTER, OPTIONS, SUBSCRIBE, MESSAGE... */
export interface IncomingRequest {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** Sends the final (or a provisional) response. */
  respond(reply: Reply): void;
}

/** A new INVITE from outside. 100 Trying has been sent. */
export interface IncomingInvite extends IncomingRequest {
  /** Provisional responses make an early dialog: the To tag is fixed from the first one on. */
  progress(reply: Reply): void;
  /** Any final failure, 300 to 699. */
  reject(reply: Reply): void;
  /** 200 OK; repeated until the ACK comes (RFC 3261 §13.3.1.4). The dialog is usable at once; `acked` resolves with the ACK's body or rejects after 64*T1. */
  accept(reply: { contentType?: string; body?: string; headers?: [string, string][] }): { dialog: Dialog; acked: Promise<SipRequest> };
  /** The caller gave up (CANCEL, or the transport is gone): 487 has been sent. */
  onCancel(listener: (reason: { q850?: number; text?: string }) => void): void;
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
}

export interface OutgoingInvite {
  readonly callId: string;
  /** What is needed to CANCEL it from a later process. */
  readonly facts: InviteFacts;
  onProgress(listener: (response: SipResponse) => void): void;
  /** The first 2xx has been acknowledged. Rejects with `InviteFailed` on any other final response, time-out or transport failure. */
  readonly answered: Promise<{ dialog: Dialog; response: SipResponse }>;
  /** CANCEL as soon as RFC 3261 §9.1 allows; a 2xx that crosses it is acknowledged and ended with BYE. */
  cancel(reason?: { q850?: number; text?: string }): void;
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
  role: 'uac' | 'uas';
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
}

/** A confirmed dialog. */
export interface Dialog {
  readonly id: string;
  readonly callId: string;
  readonly facts: DialogFacts;
  readonly terminated: boolean;
  /** Header fields sent with every request of ours in this dialog (Contact is automatic). */
  request(method: string, options?: { headers?: [string, string][]; contentType?: string; body?: string; credentials?: Credentials }): Promise<SipResponse>;
  /** re-INVITE; the ACK is sent by the stack. Rejects with InviteFailed; 491 is retried as RFC 3261 §14.1 says. */
  reinvite(options: { contentType?: string; body?: string; headers?: [string, string][] }): Promise<SipResponse>;
  /** Idempotent. */
  bye(options?: { headers?: [string, string][] }): void;
  /** re-INVITE, UPDATE, INFO, REFER, NOTIFY, MESSAGE, BYE. BYE has been answered already. A handler that does not respond in 20 s makes a 500. */
  onRequest(listener: (request: InDialogRequest) => void): void;
  /** BYE from either side, 408/481 on a request of ours, or no ACK. Once. */
  onEnd(listener: (end: { by: 'us' | 'peer' | 'failure'; q850?: number; status?: number }) => void): void;
  /** Facts changed (CSeq, target): persist them. */
  onChange(listener: () => void): void;
}
