// The stack: transports below, transactions in the middle, dialogs above, wired together.
import { systemClock } from '#appliance/kernel/clock.ts';
import type {
  DialogFacts,
  IncomingInvite,
  IncomingRequest,
  InviteFacts,
  InviteOptions,
  RequestOptions,
  SipStack,
  SipStackOptions,
} from './api.ts';
import type { Core } from './dialog/core.ts';
import { ALLOW } from './dialog/core.ts';
import { DialogSession, dialogId } from './dialog/dialog.ts';
import { uasFacts } from './dialog/facts.ts';
import { InviteFromPeer } from './dialog/incoming-invite.ts';
import { Orphan } from './dialog/orphan.ts';
import { InviteToPeer } from './dialog/outgoing-invite.ts';
import { parseSessionExpires } from './dialog/session-timer.ts';
import { sendRequest } from './dialog/standalone-request.ts';
import { buildResponse, newBranch, newTag } from './message/build.ts';
import { SipRequest, type SipResponse } from './message/message.ts';
import { parseMessage } from './message/parser.ts';
import { SipSyntaxError } from './message/syntax-error.ts';
import { parseUri, printUri, type SipUri } from './message/uri.ts';
import { isAnswerable, isUsable, refuse, refuseBody } from './message/validate.ts';
import { createResolver } from './resolver/cache.ts';
import { TransactionLayer } from './transaction/layer.ts';
import type { ServerTransaction } from './transaction/server.ts';
import { DEFAULT_TIMERS, sixtyFourT1 } from './transaction/timers.ts';
import { type Connection, printHost, VIA_NAME } from './transport/connection.ts';
import { markSource, responsePath } from './transport/response-path.ts';
import { Transports } from './transport/transports.ts';

const IDLE_MS = 15 * 60_000;
const SESSION_TIMER = { expiresS: 1800, minS: 90 };
const FIRST_MESSAGE_MS = 32_000;
const MAX_EARLY = 10_000;
/** Room for our Via, which is not on the request yet. */
const VIA_BYTES = 100;
const CONNECT_MS = 4000;
/** RFC 3261 §18.1.1: larger requests do not fit one packet of every network. */
const TCP_ABOVE_BYTES = 1300;

export function createSipStack(options: SipStackOptions): SipStack {
  const { log, userAgent, clock = systemClock, trace } = options;
  const timers = { ...DEFAULT_TIMERS, ...options.timers };
  const dialogs = new Map<string, DialogSession>();
  const orphans = new Map<string, Orphan>();
  const understood = new Set(['100rel', ...(options.supported ?? []).map((tag) => tag.toLowerCase())]);
  if (options.sessionTimer !== false) understood.add('timer');
  let inviteHandler: ((invite: IncomingInvite) => void) | undefined;
  let requestHandler: ((request: IncomingRequest) => void) | undefined;
  /** In-dialog requests that came before the dialogs of a former process were restored. */
  let early: ServerTransaction[] | undefined = options.adopting ? [] : undefined;

  const transports = new Transports(
    options.listen,
    {
      onData,
      onOpen: (flow) => log.debug({ flow: flow.id }, 'sip connection open'),
      onClosed: (flow) => log.debug({ flow: flow.id }, 'sip connection closed'),
    },
    clock,
    { idleMs: options.idleMs ?? IDLE_MS, firstMs: options.firstMessageMs ?? FIRST_MESSAGE_MS, connectMs: CONNECT_MS },
    options.advertise,
  );

  const resolve = createResolver(
    (transport) => transports.has(transport),
    () => clock.now().getTime(),
    options.dns,
  );

  const transactions = new TransactionLayer(
    clock,
    timers,
    {
      transmit: (flow, _request, data, onError) => put(flow, data, onError),
      respond: (request, flow, _response, data, onError) => {
        const path = responsePath(request, flow, transports);
        if (path) put(path, data, onError);
        else queueMicrotask(() => onError(new Error('The connection is gone')));
      },
      unexpected: (what) => log.debug(what, 'sip transaction ignored an input'),
    },
    { onRequest, onAck, onStrayResponse },
  );

  const core: Core = {
    clock,
    timers,
    log,
    userAgent,
    supported: [...understood].join(', '),
    sessionTimer: options.sessionTimer === false ? undefined : (options.sessionTimer ?? SESSION_TIMER),
    registered(uriText) {
      if (!options.resolveFlow) return undefined;
      const uri = tryUri(uriText);
      const flow = uri && (options.resolveFlow(uri) as Connection | undefined);
      return flow?.open ? flow : undefined;
    },
    locate(uriText) {
      const known = core.registered(uriText);
      if (known) return [known];
      const uri = tryUri(uriText);
      if (!uri) return [];
      const targets = resolve(uri);
      const connect = (found: Awaited<typeof targets>) =>
        found
          .map((target) => transports.connect(target.transport, target.address, target.port, target.serverName))
          .filter((flow) => flow !== undefined);
      return Array.isArray(targets) ? connect(targets) : targets.then(connect);
    },
    send(request, flow, user, branch = newBranch()) {
      request.prepend('Via', viaFor(flow, branch));
      return transactions.send(request, flow, user);
    },
    sendAck(request, flow, { branch = newBranch(), failed } = {}) {
      request.prepend('Via', viaFor(flow, branch));
      const data = request.print();
      const send = () =>
        put(flow, data, (error) => {
          log.debug({ flow: flow.id, err: error.message }, 'sip ACK not sent');
          failed?.();
        });
      send();
      return send;
    },
    contactFor(user, flow, params) {
      const transport = flow.transport === 'udp' ? undefined : flow.transport;
      return printUri({
        scheme: 'sip',
        user: user === '' ? undefined : user,
        host: printHost(flow.local.address),
        port: flow.local.port,
        params: { ...(transport && { transport }), ...params },
      });
    },
    adopt: (dialog) => dialogs.set(dialog.id, dialog),
    release(dialog) {
      if (dialogs.get(dialog.id) === dialog) dialogs.delete(dialog.id);
    },
    fitting(request, flow) {
      if (flow.transport !== 'udp' || !transports.has('tcp')) return undefined;
      if (request.print().length + VIA_BYTES <= (options.tcpAboveBytes ?? TCP_ABOVE_BYTES)) return undefined;
      return transports.connect('tcp', flow.remote.address, flow.remote.port);
    },
    flowOf: ({ transport, address, port }) => transports.connect(transport, address, port),
  };

  function viaFor(flow: Connection, branch: string): string {
    const { address, port } = flow.local;
    return `SIP/2.0/${VIA_NAME[flow.transport]} ${printHost(address)}:${port};branch=${branch};rport`;
  }

  function put(flow: Connection, data: Buffer, onError: (error: Error) => void): void {
    trace?.({ at: clock.now(), direction: 'out', flow, message: data });
    flow.send(data, onError);
  }

  /** Everything that arrives passes here; nothing of it may throw into the socket. */
  function onData(flow: Connection, data: Buffer): void {
    try {
      if (isBlank(data)) return; // keep-alives over UDP
      trace?.({ at: clock.now(), direction: 'in', flow, message: data });
      const message = parseMessage(data);
      if (message instanceof SipRequest) receiveRequest(message, flow);
      else if (isUsable(message)) transactions.onResponse(message, flow);
    } catch (error) {
      if (error instanceof SipSyntaxError) {
        log.debug({ flow: flow.id, err: error.message }, 'sip message dropped');
      } else {
        log.error({ flow: flow.id, err: error }, 'sip message failed');
      }
    }
  }

  function receiveRequest(request: SipRequest, flow: Connection): void {
    if (!isAnswerable(request)) {
      log.debug({ flow: flow.id }, 'sip request that cannot be answered dropped');
      return;
    }
    markSource(request, flow);
    const refusal = refuse(request);
    if (refusal) {
      if (request.method !== 'ACK') answerStateless(request, flow, refusal);
      return;
    }
    if (options.admit && request.method !== 'ACK' && request.to.tag === undefined && !transactions.knows(request)) {
      const admission = options.admit(flow, request);
      if (!admission.ok) {
        if ('drop' in admission) return;
        const retry: [string, string][] =
          admission.retryAfterS === undefined ? [] : [['Retry-After', String(admission.retryAfterS)]];
        answerStateless(request, flow, { status: admission.status, headers: retry });
        return;
      }
    }
    transactions.onRequest(request, flow);
  }

  /** RFC 3261 §8.2.7: costs nothing to forget; a retransmission gets the same answer. */
  function answerStateless(
    request: SipRequest,
    flow: Connection,
    reply: { status: number; reason?: string; headers?: [string, string][] },
  ): void {
    const response = buildResponse(request, reply, { toTag: newTag(), server: userAgent });
    const path = responsePath(request, flow, transports);
    if (path) put(path, response.print(), () => {});
  }

  function onRequest(transaction: ServerTransaction): void {
    const { request } = transaction;
    const localTag = request.to.tag;
    if (localTag !== undefined) {
      const dialog = dialogs.get(dialogId(request.callId, localTag, request.from.tag ?? ''));
      if (dialog) {
        guarded(transaction, () => dialog.receive(transaction));
        return;
      }
      // It may belong to a dialog of the former process that is about to be restored.
      if (early && early.length < MAX_EARLY) early.push(transaction);
      else reply(transaction, { status: 481 });
      return;
    }
    const unknown = [...request.tokens('require')].filter((tag) => !understood.has(tag));
    if (unknown.length > 0) {
      reply(transaction, { status: 420, headers: [['Unsupported', unknown.join(', ')]] }); // RFC 3261 §8.2.2.3
      return;
    }
    if (request.method === 'INVITE') {
      const minS = core.sessionTimer?.minS ?? 0;
      const unreadable = refuseBody(request);
      if (unreadable) {
        reply(transaction, unreadable);
        return;
      }
      const asked = parseSessionExpires(request);
      if (asked && asked.expiresS < minS && request.tokens('supported').has('timer')) {
        reply(transaction, { status: 422, headers: [['Min-SE', String(minS)]] }); // RFC 4028 §9
        return;
      }
      if (!inviteHandler) {
        reply(transaction, { status: 480 });
        return;
      }
      const handler = inviteHandler;
      guarded(transaction, () => handler(new InviteFromPeer(transaction, core)));
      return;
    }
    if (request.method === 'BYE' || request.method === 'PRACK' || request.method === 'UPDATE') {
      reply(transaction, { status: 481 });
      return;
    }
    if (requestHandler) {
      const handler = requestHandler;
      const { flow } = transaction;
      let dialog: DialogSession | undefined;
      const incoming: IncomingRequest = {
        request,
        flow,
        respond: (answer) => reply(transaction, answer, dialog?.facts.localContact),
        subscribe() {
          if (dialog) return dialog;
          const contact = core.contactFor(request.uri.user ?? '', flow);
          const facts = uasFacts(request, flow, tagOf(transaction), contact);
          dialog = new DialogSession(core, { ...facts, usage: 'subscription' }, flow);
          return dialog;
        },
      };
      guarded(transaction, () => handler(incoming));
      return;
    }
    reply(transaction, { status: request.method === 'OPTIONS' ? 200 : 405, headers: [['Allow', ALLOW]] });
  }

  function onAck(request: SipRequest): void {
    const dialog = dialogs.get(dialogId(request.callId, request.to.tag ?? '', request.from.tag ?? ''));
    dialog?.receiveAck(request);
  }

  function onStrayResponse(response: SipResponse): void {
    if (response.cseq.method !== 'INVITE') return;
    const orphan = orphans.get(response.via.branch ?? '');
    if (orphan) {
      orphan.receive(response);
      return;
    }
    // RFC 3261 §13.2.2.4: the ACK was lost and the transaction is gone.
    const isSuccess = response.status >= 200 && response.status < 300;
    if (isSuccess)
      dialogs.get(dialogId(response.callId, response.from.tag ?? '', response.to.tag ?? ''))?.ack(response.cseq.number);
  }

  /** A user that throws makes a 500, not a crash. */
  function guarded(transaction: ServerTransaction, run: () => void): void {
    try {
      run();
    } catch (error) {
      log.error({ err: error, method: transaction.request.method }, 'sip request handler failed');
      if (transaction.status < 200) reply(transaction, { status: 500 });
    }
  }

  const tags = new WeakMap<ServerTransaction, string>();
  function tagOf(transaction: ServerTransaction): string {
    const tag = tags.get(transaction) ?? newTag();
    tags.set(transaction, tag);
    return tag;
  }

  /** `contact`: the answer makes a dialog. */
  function reply(
    transaction: ServerTransaction,
    answer: Parameters<IncomingRequest['respond']>[0],
    contact?: string,
  ): void {
    const toTag = tagOf(transaction);
    const dialog = contact === undefined ? {} : { contact: `<${contact}>`, recordRoute: true };
    transaction.respond(buildResponse(transaction.request, answer, { toTag, server: userAgent, ...dialog }));
  }

  return {
    start: () => transports.start(),
    adopted() {
      const held = early ?? [];
      early = undefined;
      for (const transaction of held) onRequest(transaction);
    },
    async stop() {
      for (const dialog of dialogs.values()) dialog.drop();
      dialogs.clear();
      orphans.clear();
      transactions.stop();
      await transports.stop();
    },
    onInvite(handler) {
      inviteHandler = handler;
    },
    onRequest(handler) {
      requestHandler = handler;
    },
    invite: (invite: InviteOptions) => new InviteToPeer(core, invite),
    request: (request: RequestOptions) => sendRequest(core, request),
    restoreDialog(facts: DialogFacts) {
      const { transport, address, port } = facts.flow;
      const flow = facts.viaFlow && transport === 'udp' ? core.flowOf({ transport, address, port }) : undefined;
      return new DialogSession(core, { ...facts, routeSet: [...facts.routeSet] }, flow);
    },
    cancelOrphan(facts: InviteFacts) {
      const flow = core.flowOf(facts.flow);
      if (!flow) return log.warn({ callId: facts.callId }, 'no connection to cancel an INVITE of a former process');
      orphans.set(facts.branch, new Orphan(core, facts, flow));
      clock.after(2 * sixtyFourT1(timers), () => orphans.delete(facts.branch));
    },
    acceptWebSocket: (socket, remote, local) => transports.acceptWebSocket(socket, remote, local),
    get flows() {
      return transports.flows;
    },
    flowTo: (transport, address, port) => transports.connect(transport, address, port),
    localAddressFor: (remote) => transports.localAddressFor(remote),
    get size() {
      return { dialogs: dialogs.size, transactions: transactions.size };
    },
  };
}

function tryUri(text: string): SipUri | undefined {
  try {
    return parseUri(text);
  } catch {
    return undefined;
  }
}

function isBlank(data: Buffer): boolean {
  if (data.length > 8) return false;
  for (const byte of data) if (byte !== 13 && byte !== 10 && byte !== 0 && byte !== 32) return false;
  return true;
}
