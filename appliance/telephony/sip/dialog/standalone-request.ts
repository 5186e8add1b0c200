// Requests of ours outside of dialogs: REGISTER, OPTIONS, MESSAGE... with one answer to a challenge. RFC 3261 §8.1, §22.
import { RequestFailed, type RequestOptions } from '../api.ts';
import { answerChallenge, isStale } from '../auth/client.ts';
import { newCallId, newTag } from '../message/build.ts';
import { printParams } from '../message/grammar.ts';
import { SipRequest, type SipResponse } from '../message/message.ts';
import { printNameAddr } from '../message/name-addr.ts';
import { printUri } from '../message/uri.ts';
import type { Connection } from '../transport/connection.ts';
import { ALLOW, type Core } from './core.ts';
import { route } from './route-set.ts';

export async function sendRequest(core: Core, options: RequestOptions): Promise<SipResponse> {
  const { method, credentials } = options;
  const routing = route(
    printUri(options.uri),
    (options.routes ?? []).map((uri) => `<${printUri(uri)}>`),
  );
  const callId = options.callId ?? newCallId();
  const fromTag = options.fromTag ?? newTag();
  let seq = options.cseq ?? 1;
  const given = options.flow as Connection | undefined;
  const flows = given?.open ? [given] : await core.locate(routing.nextHop);

  function build(flow: Connection, extra: [string, string][]): SipRequest {
    const request = new SipRequest(method, routing.requestUri, options.body);
    for (const value of routing.routes) request.append('Route', value);
    request.append('Max-Forwards', '70');
    request.append('From', printNameAddr({ ...options.from, params: { tag: fromTag } }));
    request.append('To', printNameAddr(options.to));
    request.append('Call-ID', callId);
    request.append('CSeq', `${seq} ${method}`);
    if (options.contact) {
      const { user, params, headerParams = {} } = options.contact;
      request.append('Contact', `<${core.contactFor(user, flow, params)}>${printParams(headerParams)}`);
    }
    request.append('Allow', ALLOW);
    request.append('User-Agent', core.userAgent);
    for (const [name, value] of [...(options.headers ?? []), ...extra]) request.append(name, value);
    if (options.body) request.append('Content-Type', options.contentType ?? 'application/sdp');
    return request;
  }

  let failure = new RequestFailed(503, 'No address to send to');
  for (const flow of flows) {
    try {
      let response = await exchange(core, build(flow, []), flow, options.timeoutMs);
      for (
        let tries = 0;
        isChallenge(response) && credentials && (tries === 0 || (tries === 1 && isStale(response)));
        tries++
      ) {
        const field = answerChallenge(response, credentials, { method, uri: routing.requestUri });
        if (!field) break;
        seq++;
        response = await exchange(core, build(flow, [field]), flow, options.timeoutMs);
      }
      if (response.status !== 503 || flow === flows.at(-1)) return response;
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      failure = error;
    }
    seq++;
  }
  throw failure;
}

function isChallenge(response: SipResponse): boolean {
  return response.status === 401 || response.status === 407;
}

function exchange(core: Core, request: SipRequest, flow: Connection, timeoutMs?: number): Promise<SipResponse> {
  return new Promise((resolve, reject) => {
    const transaction = core.send(request, flow, {
      onResponse: (response) => {
        if (response.status < 200) return;
        cancelTimer();
        resolve(response);
      },
      onTimeout: () => {
        cancelTimer();
        reject(new RequestFailed(408, 'No answer'));
      },
      onTransportError: (error) => {
        cancelTimer();
        reject(new RequestFailed(503, error.message));
      },
    });
    const cancelTimer =
      timeoutMs === undefined
        ? () => {}
        : core.clock.after(timeoutMs, () => {
            transaction.abandon();
            reject(new RequestFailed(408, 'No answer'));
          });
  });
}
