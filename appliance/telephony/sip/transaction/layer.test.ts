import { describe, expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { buildResponse } from '../message/build.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { parseMessage } from '../message/parser.ts';
import type { Connection } from '../transport/connection.ts';
import { TransactionLayer } from './layer.ts';
import type { ServerTransaction } from './server.ts';
import { DEFAULT_TIMERS } from './timers.ts';

const udp = {
  id: 'udp',
  transport: 'udp',
  reliable: false,
  secure: false,
  open: true,
  remote: { address: '192.0.2.1', port: 5060 },
  local: { address: '192.0.2.2', port: 5060 },
  send() {},
  close() {},
  onClose: () => () => {},
} as Connection;

function message(method: string, extra = '', branch = 'z9hG4bKx'): SipRequest {
  const text = [
    `${method} sip:bob@example.com SIP/2.0`,
    `Via: SIP/2.0/UDP 192.0.2.1:5060;branch=${branch}`,
    'From: <sip:alice@example.com>;tag=a',
    `To: <sip:bob@example.com>${extra}`,
    'Call-ID: 1',
    `CSeq: 1 ${method}`,
    '',
    '',
  ].join('\r\n');
  return parseMessage(Buffer.from(text)) as SipRequest;
}

function setUp() {
  const clock = new ManualClock();
  const start = clock.now().getTime();
  const sent: [atMs: number, what: string][] = [];
  const events: string[] = [];
  const servers: ServerTransaction[] = [];
  const note = (data: Buffer) =>
    sent.push([clock.now().getTime() - start, data.toString().split(' SIP/2.0')[0]!.split('\r')[0]!]);
  const layer = new TransactionLayer(
    clock,
    DEFAULT_TIMERS,
    {
      transmit: (_flow, _request, data) => note(data),
      respond: (_request, _flow, _response, data) => note(data),
      unexpected: ({ state, input }) => events.push(`ignored ${input} in ${state}`),
    },
    {
      onRequest: (transaction) => servers.push(transaction),
      onAck: () => events.push('ack'),
      onStrayResponse: () => events.push('stray'),
    },
  );
  const user = {
    onResponse: (response: SipResponse) => events.push(String(response.status)),
    onTimeout: () => events.push('timeout'),
    onTransportError: () => events.push('fail'),
  };
  return { clock, sent, events, servers, layer, user };
}

describe('transactions over UDP', () => {
  it('repeats an INVITE at 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s and gives up after 32 s', () => {
    const { clock, sent, events, layer, user } = setUp();
    layer.send(message('INVITE'), udp, user);
    clock.advance(40_000);
    expect(sent.map(([at]) => at)).toEqual([0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    expect(events).toEqual(['timeout']);
    expect(layer.size).toBe(0);
  });

  it('repeats other requests up to every 4 s for 32 s', () => {
    const { clock, sent, events, layer, user } = setUp();
    layer.send(message('OPTIONS'), udp, user);
    clock.advance(40_000);
    expect(sent.map(([at]) => at)).toEqual([0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    expect(events).toEqual(['timeout']);
  });

  it('acknowledges a failure again each time it comes, and tells it once', () => {
    const { clock, sent, events, layer, user } = setUp();
    const invite = message('INVITE');
    layer.send(invite, udp, user);
    const busy = buildResponse(invite, { status: 486 }, { toTag: 'b' });
    layer.onResponse(busy, udp);
    layer.onResponse(busy, udp);
    expect(sent.map(([, what]) => what.split(' ')[0])).toEqual(['INVITE', 'ACK', 'ACK']);
    expect(events).toEqual(['486']);
    clock.advance(32_000);
    expect(layer.size).toBe(0);
  });

  it('repeats a failure response until the ACK comes', () => {
    const { clock, sent, servers, layer } = setUp();
    layer.onRequest(message('INVITE'), udp);
    servers[0]!.respond(buildResponse(servers[0]!.request, { status: 486 }, { toTag: 'b' }));
    clock.advance(4000);
    expect(sent.map(([at]) => at)).toEqual([0, 500, 1500, 3500]);
    layer.onRequest(message('ACK', ';tag=b'), udp);
    clock.advance(5000);
    expect(sent).toHaveLength(4);
    expect(layer.size).toBe(0);
  });

  it('answers a repeated request with the same response and asks nobody again', () => {
    const { sent, servers, layer } = setUp();
    layer.onRequest(message('OPTIONS'), udp);
    servers[0]!.respond(buildResponse(servers[0]!.request, { status: 200 }, { toTag: 'b' }));
    layer.onRequest(message('OPTIONS'), udp);
    expect(servers).toHaveLength(1);
    expect(sent).toHaveLength(2);
  });

  it('answers CANCEL with 200 and tells the INVITE, or 481 when there is none', () => {
    const { sent, servers, events, layer } = setUp();
    layer.onRequest(message('CANCEL', '', 'z9hG4bKnone'), udp);
    expect(sent.at(-1)![1]).toBe('SIP/2.0 481 Call/Transaction Does Not Exist');
    layer.onRequest(message('INVITE'), udp);
    servers[0]!.user = { onCancel: () => events.push('cancel') };
    layer.onRequest(message('CANCEL'), udp);
    expect(sent.at(-1)![1]).toBe('SIP/2.0 200 OK');
    expect(events).toEqual(['cancel']);
  });

  it('refuses the same request that comes over a second path with 482', () => {
    const { sent, servers, layer } = setUp();
    layer.onRequest(message('INVITE', '', 'z9hG4bK1'), udp);
    layer.onRequest(message('INVITE', '', 'z9hG4bK2'), udp);
    expect(servers).toHaveLength(1);
    expect(sent.at(-1)![1]).toContain('482');
  });

  it('finds the transaction of a caller of RFC 2543, whose branch means nothing', () => {
    const { clock, servers, sent, layer } = setUp();
    layer.onRequest(message('INVITE', '', 'old'), udp);
    layer.onRequest(message('INVITE', '', 'old'), udp);
    expect(servers).toHaveLength(1);
    servers[0]!.respond(buildResponse(servers[0]!.request, { status: 404 }, { toTag: 'b' }));
    layer.onRequest(message('ACK', ';tag=b', 'old'), udp);
    const count = sent.length;
    clock.advance(40_000);
    expect(sent).toHaveLength(count);
  });
});
