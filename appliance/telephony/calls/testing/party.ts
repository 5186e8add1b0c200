// A telephone for tests: its own SIP stack on a port, and a tone in its mouth. Does what it is told, keeps what it saw.
import { Phone as Mouth } from '../../media/testing/phone.ts';
import { parseSdp, SdpSession } from '../../sdp/index.ts';
import {
  type Credentials,
  createSipStack,
  type Dialog,
  type Flow,
  type IncomingInvite,
  type InDialogRequest,
  type OutgoingInvite,
  parseUri,
  type SipRequest,
  type SipResponse,
  type SipStack,
} from '../../sip/index.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

export type Behaviour = 'answer' | 'ring' | 'busy' | 'silent' | 'decline';

export class Party {
  readonly user: string;
  readonly port: number;
  readonly sip: SipStack;
  readonly mouth: Mouth;
  readonly session = new SdpSession();
  readonly invites: IncomingInvite[] = [];
  readonly cancels: { q850?: number; sip?: number; text?: string }[] = [];
  readonly requests: SipRequest[] = [];
  readonly ends: { by: string; q850?: number; status?: number }[] = [];
  readonly messages: string[] = [];
  behaviour: Behaviour = 'answer';
  dialog: Dialog | undefined;
  #rtpPort = 0;

  constructor(user: string, port: number, tone: number, payloadType = 8) {
    this.user = user;
    this.port = port;
    this.mouth = new Mouth(payloadType, [tone]);
    this.sip = createSipStack({
      listen: { udp: { host: '127.0.0.1', port } },
      userAgent: 'party',
      log: quiet,
      trace: ({ direction, message }) => this.messages.push(`${direction} ${message.toString('latin1')}`),
    });
    this.sip.onInvite((invite) => this.#receive(invite));
  }

  async start(): Promise<this> {
    await this.sip.start();
    this.#rtpPort = await this.mouth.open();
    return this;
  }

  async stop(): Promise<void> {
    this.mouth.close();
    await this.sip.stop();
  }

  offer(options: { direction?: 'sendrecv' | 'sendonly' | 'inactive' | 'recvonly' } = {}): string {
    const codec = this.mouth.payloadType === 0 ? 'PCMU' : 'PCMA';
    return this.session.offer({ address: '127.0.0.1', port: this.#rtpPort }, { codecs: [codec], ...options });
  }

  call(
    number: string,
    boxPort: number,
    options: { body?: string | null; credentials?: Credentials; host?: string; headers?: [string, string][] } = {},
  ): OutgoingInvite {
    const body = options.body === undefined ? this.offer() : options.body;
    return this.sip.invite({
      to: parseUri(`sip:${number}@127.0.0.1:${boxPort}`),
      from: { uri: parseUri(`sip:${this.user}@${options.host ?? '127.0.0.1'}`) },
      contact: { user: this.user },
      ...(options.credentials ? { credentials: options.credentials } : {}),
      ...(options.headers ? { headers: options.headers } : {}),
      ...(body === null ? {} : { body, contentType: 'application/sdp' }),
    });
  }

  /** Calls and talks. */
  async talk(number: string, boxPort: number, options: Parameters<Party['call']>[2] = {}): Promise<Dialog> {
    const { dialog, response } = await this.call(number, boxPort, options).answered;
    this.take(dialog);
    this.hear(response.bodyText);
    return dialog;
  }

  register(
    boxPort: number,
    credentials: Credentials,
    options: { expires?: number; contact?: string; cseq?: number; callId?: string } = {},
  ): Promise<SipResponse> {
    const aor = parseUri(`sip:${this.user}@127.0.0.1`);
    return this.sip.request({
      method: 'REGISTER',
      uri: parseUri(`sip:127.0.0.1:${boxPort}`),
      to: { uri: aor },
      from: { uri: aor },
      ...(options.contact === undefined ? { contact: { user: this.user } } : {}),
      credentials,
      headers: [
        ['Expires', String(options.expires ?? 300)],
        ...(options.contact ? ([['Contact', options.contact]] as [string, string][]) : []),
      ],
      ...(options.cseq === undefined ? {} : { cseq: options.cseq }),
      ...(options.callId === undefined ? {} : { callId: options.callId }),
    });
  }

  async hold(direction: 'sendonly' | 'inactive' | 'sendrecv'): Promise<string> {
    const response = await this.dialog!.reinvite({ contentType: 'application/sdp', body: this.offer({ direction }) });
    return /a=(sendrecv|sendonly|recvonly|inactive)/.exec(response.bodyText)?.[1] ?? '';
  }

  /** Answers the call that rings. */
  pickUp(invite = this.invites.at(-1)!): Dialog {
    const remote = parseSdp(invite.request.bodyText);
    const answer = this.session.answer(remote, { address: '127.0.0.1', port: this.#rtpPort }, [
      this.mouth.payloadType === 0 ? 'PCMU' : 'PCMA',
    ])!;
    const { dialog } = invite.accept({ contentType: 'application/sdp', body: answer.body });
    this.take(dialog);
    this.mouth.call(remote.audio!.port);
    return dialog;
  }

  take(dialog: Dialog): void {
    this.dialog = dialog;
    dialog.onRequest((request) => this.#inDialog(request));
    dialog.onEnd((end) => {
      this.ends.push(end);
      this.mouth.hush();
    });
  }

  hear(sdp: string): void {
    this.mouth.call(parseSdp(sdp).audio!.port);
  }

  flow(): Flow | undefined {
    return this.sip.flows[0];
  }

  #receive(invite: IncomingInvite): void {
    this.invites.push(invite);
    invite.onCancel((reason) => this.cancels.push(reason));
    switch (this.behaviour) {
      case 'answer':
        invite.progress({ status: 180 });
        this.pickUp(invite);
        return;
      case 'ring':
        invite.progress({ status: 180 });
        return;
      case 'busy':
        invite.reject({ status: 486 });
        return;
      case 'decline':
        invite.reject({ status: 603, headers: [['Reason', 'Q.850;cause=21;text="Call rejected"']] });
        return;
      case 'silent':
        return;
    }
  }

  #inDialog(request: InDialogRequest): void {
    this.requests.push(request.request);
    if (request.request.method === 'INVITE') {
      const remote = parseSdp(request.request.bodyText);
      const answer = this.session.answer(remote, { address: '127.0.0.1', port: this.#rtpPort }, [])!;
      request.respond({ status: 200, contentType: 'application/sdp', body: answer.body });
      this.mouth.hush();
      this.mouth.call(remote.audio!.port);
    } else if (request.request.method !== 'BYE') {
      request.respond({ status: 200 });
    }
  }
}
