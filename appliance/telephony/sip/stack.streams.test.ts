import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Flow, IncomingInvite, SipStack } from './api.ts';
import { parseUri } from './message/uri.ts';
import { selfSigned } from './testing/certificate.ts';
import { rawRequest } from './testing/raw-peer.ts';
import { callTo, next, startStack } from './testing/stacks.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
async function stack(port: number, options: Parameters<typeof startStack>[1]): Promise<SipStack> {
  const made = await startStack(port, options);
  closers.push(() => made.stop());
  return made;
}
const tcp = (port: number) => ({ listen: { tcp: { host: '127.0.0.1', port } } });

async function wholeCall(a: SipStack, b: SipStack, uri: string): Promise<void> {
  const flows: string[] = [];
  b.onInvite((invite) => {
    flows.push(invite.flow.transport);
    const { dialog } = invite.accept({ body: 'v=0' });
    dialog.onRequest((request) => request.respond({ status: 200, body: 'held' }));
  });
  const { dialog } = await a.invite(callTo(uri)).answered;
  expect((await dialog.reinvite({ body: 'hold' })).bodyText).toBe('held');
  expect(a.flows).toHaveLength(1);
  expect(b.flows).toHaveLength(1);
  dialog.bye();
  await vi.waitFor(() => expect(b.size.dialogs).toBe(0));
  expect(flows).toEqual([new URL(uri.replace('sip:', 'http://').replace(/;.*/, '')).port === '15082' ? 'tls' : 'tcp']);
}

describe('TCP', () => {
  it('carries a call over one connection', async () => {
    const a = await stack(15080, tcp(15080));
    const b = await stack(15081, tcp(15081));
    await wholeCall(a, b, 'sip:bob@127.0.0.1:15081;transport=tcp');
  });

  it('fails an INVITE to a closed port at once', async () => {
    const a = await stack(15080, tcp(15080));
    expect(
      (await a.invite(callTo('sip:bob@127.0.0.1:15089;transport=tcp')).answered.catch((error) => error)).status,
    ).toBe(503);
  });

  it('answers a ping, reads a message byte by byte, and hangs up on garbage', async () => {
    await stack(15080, tcp(15080));
    const socket = connect(15080, '127.0.0.1');
    closers.push(() => socket.destroy());
    const read = async () => String((await once(socket, 'data'))[0]);
    socket.write('\r\n\r\n');
    expect(await read()).toBe('\r\n');
    socket.setNoDelay(true);
    for (const byte of rawRequest('OPTIONS', { port: 15085 })) socket.write(byte);
    expect(await read()).toContain('SIP/2.0 200 OK');
    socket.write('OPTIONS sip:a SIP/2.0\r\nContent-Length: 99999999\r\n\r\n');
    await once(socket, 'close');
  });

  it('lets go of a connection on which nothing happens', async () => {
    const a = await stack(15080, { ...tcp(15080), firstMessageMs: 50, idleMs: 50 });
    const socket = connect(15080, '127.0.0.1');
    await once(socket, 'connect');
    await vi.waitFor(() => expect(a.flows).toHaveLength(1));
    await once(socket, 'close');
    expect(a.flows).toHaveLength(0);
  });

  it('takes a ringing call for given up when the connection breaks', async () => {
    const a = await stack(15080, tcp(15080));
    const invited = next<IncomingInvite>((listener) => a.onInvite(listener));
    const socket = connect(15080, '127.0.0.1');
    socket.write(rawRequest('INVITE', { port: 15085 }));
    const invite = await invited;
    const cancelled = next((listener) => invite.onCancel(listener));
    socket.destroy();
    await cancelled;
  });
});

describe('TLS', () => {
  const { key, cert } = selfSigned();

  it('carries a call, and checks the name of the other side', async () => {
    const listen = (port: number, ca?: string) => ({
      listen: { tls: { host: '127.0.0.1', port, key, cert, ...(ca && { ca }) } },
    });
    const b = await stack(15082, listen(15082));
    const a = await stack(15083, listen(15083, cert));
    await wholeCall(a, b, 'sip:bob@127.0.0.1:15082;transport=tls');
    const distrustful = await stack(15084, listen(15084));
    const failed = await distrustful.invite(callTo('sips:bob@127.0.0.1:15082')).answered.catch((error) => error);
    expect(failed.status).toBe(503);
  });
});

describe('WebSocket', () => {
  async function browser(a: SipStack): Promise<{ socket: WebSocket; flow: Flow }> {
    const http = createServer();
    const server = new WebSocketServer({ server: http, handleProtocols: () => 'sip' });
    await new Promise<void>((resolve) => http.listen(15090, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => http.close(resolve)));
    const flow = new Promise<Flow>((resolve) => {
      server.on('connection', (accepted, request) => {
        resolve(
          a.acceptWebSocket(accepted, { address: request.socket.remoteAddress!, port: request.socket.remotePort! }),
        );
      });
    });
    const socket = new WebSocket('ws://127.0.0.1:15090/sip', 'sip');
    closers.push(() => socket.terminate());
    await once(socket, 'open');
    return { socket, flow: await flow };
  }
  const text = async (socket: WebSocket) => String((await once(socket, 'message'))[0]);

  it('reaches the browser over its own connection, and notices when it is gone', async () => {
    let registered: Flow | undefined;
    const a = await stack(15091, {
      listen: { udp: { host: '127.0.0.1', port: 15091 } },
      resolveFlow: (uri) => (uri.host === 'abc.invalid' ? registered : undefined),
    });
    const { socket, flow } = await browser(a);
    registered = flow;
    const call = a.invite(callTo('sip:alice@abc.invalid;transport=ws'));
    const invite = await text(socket);
    expect(invite).toMatch(/^INVITE sip:alice@abc.invalid;transport=ws SIP\/2.0\r\nVia: SIP\/2.0\/WS /);
    expect(invite).toMatch(/Contact: <sip:alice@127.0.0.1:443;transport=ws>/);
    const field = (name: string) => new RegExp(`${name}: (.*)`).exec(invite)![1];
    const from = ['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${field(name)}`);
    socket.send(
      [
        'SIP/2.0 200 OK',
        ...from,
        `To: ${field('To')};tag=b`,
        'Contact: <sip:alice@abc.invalid;transport=ws>',
        '',
        '',
      ].join('\r\n'),
    );
    const { dialog } = await call.answered;
    expect(await text(socket)).toMatch(/^ACK /);
    const info = dialog.request('INFO');
    expect(await text(socket)).toMatch(/^INFO /);
    socket.terminate();
    expect((await info.catch((error) => error)).status).toBeGreaterThan(400);
  }, 10_000);

  it('answers keep-alives and requests', async () => {
    const a = await stack(15091, { listen: { udp: { host: '127.0.0.1', port: 15091 } } });
    const { socket } = await browser(a);
    socket.send('\r\n\r\n');
    expect(await text(socket)).toBe('\r\n');
    const request = rawRequest('OPTIONS', { port: 9 }).replace('SIP/2.0/UDP 127.0.0.1:9', 'SIP/2.0/WS abc.invalid');
    socket.send(request);
    const answer = await text(socket);
    expect(answer).toContain('SIP/2.0 200 OK');
    expect(answer).toContain('received=127.0.0.1');
    expect(parseUri('sip:abc.invalid').host).toBe('abc.invalid');
  });
});
