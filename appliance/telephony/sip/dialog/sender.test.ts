// Requests within a call when the way to the peer is not what it was: dead addresses, broken connections.
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, expect, it } from 'vitest';
import type { Dialog, SipStack, SipStackOptions } from '../api.ts';
import { buildResponse } from '../message/build.ts';
import { SipRequest } from '../message/message.ts';
import { parseMessage } from '../message/parser.ts';
import { callTo, startStack } from '../testing/stacks.ts';

const A = 15_190;
const B = 15_191;
const open: { stop?: () => unknown; close?: () => unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await (one.stop ?? one.close)?.call(one);
});

/** A slow machine must not look like a lost packet; only who waits for a time-out has short timers. */
async function stack(port: number, t1Ms: number, options: Partial<SipStackOptions> = {}): Promise<SipStack> {
  const host = '127.0.0.1';
  const listen = { udp: { host, port }, tcp: { host, port } };
  const made = await startStack(port, { listen, timers: { t1Ms, t2Ms: 4 * t1Ms, t4Ms: 5 * t1Ms }, ...options });
  open.push(made);
  return made;
}

/** b answers what comes; the way to it is a name that leads to these addresses, in this order. */
async function call(addresses: string[], transport: 'udp' | 'tcp', t1Ms = 200) {
  const names = { naptr: async () => [], srv: async () => [], addresses: async () => addresses };
  const a = await stack(A, t1Ms, { dns: names, sessionTimer: false });
  const b = await stack(B, 200);
  const seen: string[] = [];
  let theirs: Dialog | undefined;
  b.onInvite((invite) => {
    theirs = invite.accept({
      body: 'v=0',
      headers: [['Record-Route', `<sip:peer.test:${B};lr;transport=${transport}>`]],
    }).dialog;
    theirs.onRequest((request) => {
      seen.push(request.request.method);
      request.respond({ status: 200 });
    });
    theirs.onEnd(({ by }) => seen.push(`end by ${by}`));
  });
  const { dialog } = await a.invite(callTo(`sip:b@127.0.0.1:${B};transport=${transport}`)).answered;
  return { a, b, dialog, theirs: () => theirs!, seen };
}

/** At that address somebody says 503 to everything. */
async function full(address: string): Promise<{ count: () => number }> {
  const socket: Socket = createSocket('udp4');
  const asked = new Set<string>();
  socket.on('message', (data, from) => {
    const request = parseMessage(data);
    if (!(request instanceof SipRequest) || request.method === 'ACK') return;
    asked.add(request.via.branch ?? '');
    socket.send(buildResponse(request, { status: 503 }).print(), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(B, address, resolve));
  open.push(socket);
  return { count: () => asked.size };
}

it('a request goes on to the next address of the peer when one is full, and stays there', async () => {
  const { count } = await full('127.0.0.3');
  const { dialog, seen } = await call(['127.0.0.3', '127.0.0.1'], 'udp');
  expect((await dialog.request('INFO')).status).toBe(200);
  expect((await dialog.request('INFO')).status).toBe(200);
  expect([count(), seen]).toEqual([1, ['INFO', 'INFO']]);
});

it('the refusal is told when every address is full', async () => {
  await full('127.0.0.3');
  await full('127.0.0.4');
  const { dialog, seen } = await call(['127.0.0.3', '127.0.0.4'], 'udp');
  expect((await dialog.request('INFO')).status).toBe(503);
  expect(seen).toEqual([]);
});

it('an address where nobody answers costs the time of a transaction, not the call', async () => {
  const { dialog, seen } = await call(['127.0.0.5', '127.0.0.1'], 'udp', 10);
  expect((await dialog.reinvite({ body: 'v=0' })).status).toBe(200);
  expect(dialog.terminated).toBe(false);
  expect(seen).toEqual(['INVITE']);
});

it('a closed port of TCP is passed over at once by the ACK', async () => {
  const { dialog, theirs } = await call(['127.0.0.5', '127.0.0.1'], 'tcp');
  // Only the ACK lets the callee hang up (RFC 3261 §15).
  theirs().bye();
  await expect.poll(() => dialog.terminated).toBe(true);
});

it('a closed port of TCP is passed over at once by requests', async () => {
  const { dialog, seen } = await call(['127.0.0.5', '127.0.0.1'], 'tcp');
  expect((await dialog.request('INFO')).status).toBe(200);
  dialog.bye();
  await expect.poll(() => seen).toEqual(['INFO', 'end by peer']);
});

it('a connection that broke is made again, also under a request that waits', async () => {
  const { a, dialog, theirs, seen } = await call(['127.0.0.1'], 'tcp');
  const cut = () => {
    for (const flow of a.flows) (flow as unknown as { close(): void }).close();
  };
  cut();
  expect((await dialog.request('INFO')).status).toBe(200);
  const held: (() => void)[] = [];
  theirs().onRequest((request) => held.push(() => request.respond({ status: 200 })));
  const waiting = dialog.request('OPTIONS');
  await expect.poll(() => seen).toEqual(['INFO', 'OPTIONS']);
  expect((await waiting).status).toBe(200);
  expect(dialog.terminated).toBe(false);
});
