// Where responses go: RFC 3261 §18.2.1 and §18.2.2, rport by RFC 3581.

import type { TransportName } from '../api.ts';
import { splitOutside } from '../message/grammar.ts';
import type { SipRequest } from '../message/message.ts';
import type { Connection } from './connection.ts';

/** Notes in the top Via where the request really came from. */
export function markSource(request: SipRequest, flow: Connection): void {
  const { via } = request;
  const { address, port } = flow.remote;
  const sentBy = via.host.replace(/^\[|\]$/g, '').toLowerCase();
  const wantsPort = 'rport' in via.params;
  if (!wantsPort && sentBy === address) return;
  const top = splitOutside(request.header('via')!, ',')[0]!;
  // Values a sender put there himself would lead our answers astray.
  const kept = splitOutside(top, ';').filter((part) => !/^(rport|received)\s*(=|$)/i.test(part));
  if (wantsPort) kept.push(`rport=${port}`);
  if (wantsPort || sentBy !== address) kept.push(`received=${address}`);
  request.replaceTopVia(kept.join(';'));
}

/** The connection a response is sent over; undefined when there is none any more. */
export function responsePath(
  request: SipRequest,
  flow: Connection,
  transports: { connect(transport: TransportName, address: string, port: number): Connection | undefined },
): Connection | undefined {
  const { via } = request;
  if (flow.reliable) {
    if (flow.open) return flow;
    // RFC 3261 §18.2.2: the connection is gone: to the address in the Via.
    if (flow.transport === 'ws') return undefined;
    return transports.connect(
      flow.transport,
      flow.remote.address,
      via.port ?? (flow.transport === 'tls' ? 5061 : 5060),
    );
  }
  // maddr is not followed: it would let a sender aim our answers at others.
  if ('rport' in via.params) return flow;
  const port = via.port ?? 5060;
  return port === flow.remote.port ? flow : transports.connect('udp', flow.remote.address, port);
}
