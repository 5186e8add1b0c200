// RFC 3262 (100rel), RFC 3311 (UPDATE), RFC 4028 (session timers), large requests, IPv6.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import type { Dialog, IncomingInvite, SipStack, SipStackOptions } from './api.ts';
import { RawPeer, rawRequest } from './testing/raw-peer.ts';
import { callTo, next, startStack } from './testing/stacks.ts';

const open: { stop?: () => unknown; close?: () => unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await (one.stop ?? one.close)?.call(one);
});
async function stack(port: number, options: Partial<SipStackOptions> = {}): Promise<SipStack> {
  const made = await startStack(port, { timers: { t1Ms: 20, t2Ms: 160, t4Ms: 200 }, ...options });
  open.push(made);
  return made;
}
async function raw(): Promise<RawPeer> {
  const peer = await RawPeer.open(15132, 15130);
  open.push(peer);
  return peer;
}
const RAW = 'sip:raw@127.0.0.1:15132';
const contact: [string, string] = ['Contact', `<${RAW}>`];
const to = 'sip:bob@127.0.0.1:15130';
const incoming = (made: SipStack) => next<IncomingInvite>((listener) => made.onInvite(listener));

describe('reliable provisional responses', () => {
  it('are acknowledged once each, in order, and can be followed by UPDATE before the answer', async () => {
    const peer = await raw();
    const a = await stack(15130);
    const call = a.invite(callTo(RAW));
    const statuses: number[] = [];
    call.onProgress(({ status }) => statuses.push(status));
    const early = next<Dialog>((listener) => call.onEarlyDialog(listener));
    const invite = await peer.request('INVITE');
    expect(invite.tokens('supported').has('100rel')).toBe(true);
    const reliably = (status: number, rseq: number) =>
      peer.reply(invite, { status, headers: [contact, ['Require', '100rel'], ['RSeq', String(rseq)]] }, 'one');
    reliably(183, 41);
    const prack = await peer.request('PRACK');
    expect([prack.header('rack'), prack.to.tag, prack.cseq.number]).toEqual(['41 1 INVITE', 'one', 2]);
    peer.reply(prack, { status: 200 });
    reliably(183, 41);
    reliably(180, 43); // out of order
    reliably(180, 42);
    const second = await peer.request('PRACK');
    expect(second.header('rack')).toBe('42 1 INVITE');
    peer.reply(second, { status: 200 });
    const updated = (await early).request('UPDATE', { body: 'v=0' });
    peer.reply(await peer.request('UPDATE'), { status: 200, headers: [contact] });
    expect((await updated).status).toBe(200);
    peer.reply(invite, { status: 200, headers: [contact], body: 'v=0' }, 'one');
    const { dialog } = await call.answered;
    expect(dialog).toBe(await early);
    expect((await peer.request('ACK')).cseq.number).toBe(1);
    expect(statuses).toEqual([183, 180]);
    dialog.bye();
    const bye = await peer.request('BYE');
    expect(bye.cseq.number).toBe(5);
    peer.reply(bye, { status: 200 });
    await vi.waitFor(() => expect(a.size.dialogs).toBe(0));
  });

  it('of ours are repeated until their PRACK, and the 200 waits for it', async () => {
    const peer = await raw();
    const a = await stack(15130);
    const invited = incoming(a);
    peer.send(rawRequest('INVITE', { port: 15132, to, headers: ['Supported: 100rel'] }));
    const invite = await invited;
    invite.progress({ status: 183, reliable: true, body: 'v=0' });
    invite.progress({ status: 180, reliable: true });
    const { acked } = invite.accept({ body: 'v=0' });
    const first = await peer.response(183);
    const rseq = Number(first.header('rseq'));
    expect(first.tokens('require').has('100rel')).toBe(true);
    await vi.waitFor(() => expect(peer.count(183)).toBeGreaterThan(1));
    expect(peer.count(180)).toBe(0);
    const toTag = first.to.tag!;
    peer.send(
      rawRequest('PRACK', { port: 15132, to, toTag, cseq: 2, branch: 'z9hG4bKp0', headers: ['RAck: 1 1 INVITE'] }),
    );
    await peer.response(481);
    peer.send(
      rawRequest('PRACK', {
        port: 15132,
        to,
        toTag,
        cseq: 3,
        branch: 'z9hG4bKp1',
        headers: [`RAck: ${rseq} 1 INVITE`],
      }),
    );
    const second = await peer.response(180);
    expect(Number(second.header('rseq'))).toBe(rseq + 1);
    expect(peer.received.filter((m) => 'status' in m && m.status === 200 && m.cseq.method === 'INVITE')).toHaveLength(
      0,
    );
    peer.send(
      rawRequest('PRACK', {
        port: 15132,
        to,
        toTag,
        cseq: 4,
        branch: 'z9hG4bKp2',
        headers: [`RAck: ${rseq + 1} 1 INVITE`],
      }),
    );
    await vi.waitFor(() =>
      expect(peer.received.some((m) => 'status' in m && m.status === 200 && m.cseq.method === 'INVITE')).toBe(true),
    );
    peer.send(rawRequest('ACK', { port: 15132, to, toTag, branch: 'z9hG4bKack' }));
    await acked;
  });

  it('without PRACK end the call', async () => {
    const peer = await raw();
    const a = await stack(15130, { timers: { t1Ms: 5, t2Ms: 40, t4Ms: 50 } });
    const invited = incoming(a);
    peer.send(rawRequest('INVITE', { port: 15132, to, headers: ['Require: 100rel'] }));
    (await invited).progress({ status: 180 });
    await peer.response(504);
  });

  it('work between two of us, both ways', async () => {
    const a = await stack(15130);
    const b = await stack(15131);
    b.onInvite((invite) => {
      invite.progress({ status: 183, reliable: true, body: 'v=0 early' });
      invite.progress({ status: 180, reliable: true });
      invite.accept({ body: 'v=0' });
    });
    const call = a.invite(callTo('sip:bob@127.0.0.1:15131'));
    const seen: number[] = [];
    call.onProgress(({ status }) => seen.push(status));
    (await call.answered).dialog.bye();
    expect(seen).toEqual([183, 180]);
    await vi.waitFor(() => expect([a.size.dialogs, b.size.dialogs]).toEqual([0, 0]));
  });
});

describe('session timers', () => {
  it('end a session that the other side no longer refreshes', async () => {
    const clock = new ManualClock();
    const peer = await raw();
    const a = await stack(15130, { clock });
    const invited = incoming(a);
    peer.send(
      rawRequest('INVITE', { port: 15132, to, headers: ['Supported: timer', 'Session-Expires: 600;refresher=uac'] }),
    );
    const { dialog, acked } = (await invited).accept({ body: 'v=0' });
    const answer = await peer.response(200);
    expect(answer.header('session-expires')).toBe('600;refresher=uac');
    expect(answer.tokens('require').has('timer')).toBe(true);
    const toTag = answer.to.tag!;
    peer.send(rawRequest('ACK', { port: 15132, to, toTag, branch: 'z9hG4bKack' }));
    await acked;
    clock.advance(400_000);
    peer.send(
      rawRequest('UPDATE', {
        port: 15132,
        to,
        toTag,
        cseq: 2,
        branch: 'z9hG4bKup',
        headers: ['Supported: timer', 'Session-Expires: 600;refresher=uac'],
      }),
    );
    expect((await peer.response(200)).header('session-expires')).toBe('600;refresher=uac');
    clock.advance(500_000);
    expect(dialog.terminated).toBe(false);
    const ended = next<object>((listener) => dialog.onEnd(listener));
    clock.advance(69_000);
    expect(await ended).toEqual({ by: 'failure', status: 408 });
    await peer.request('BYE');
  });

  it.each([
    ['UPDATE', 'Allow: INVITE, UPDATE'],
    ['INVITE', 'Allow: INVITE'],
  ])('are refreshed by us with %s', async (method, allow) => {
    const clock = new ManualClock();
    const peer = await raw();
    const a = await stack(15130, { clock });
    const call = a.invite(callTo(RAW));
    const invite = await peer.request('INVITE');
    expect(invite.header('session-expires')).toBe('1800');
    peer.reply(
      invite,
      {
        status: 200,
        headers: [contact, ['Allow', allow.slice(7)], ['Session-Expires', '200;refresher=uac']],
        body: 'v=0',
      },
      'one',
    );
    const { dialog } = await call.answered;
    await peer.request('ACK');
    expect(dialog.facts.session).toEqual({ expiresS: 200, weRefresh: true });
    clock.advance(100_000);
    let changes = 0;
    dialog.onChange(() => changes++);
    const refresh = await peer.request(method);
    expect(refresh.header('session-expires')).toBe('200;refresher=uac');
    expect(refresh.bodyText).toBe(method === 'INVITE' ? 'v=0\r\n' : '');
    peer.reply(refresh, { status: 200, headers: [contact, ['Session-Expires', '200;refresher=uac']] });
    if (method === 'INVITE') await peer.request('ACK');
    await vi.waitFor(() => expect(changes).toBeGreaterThan(0));
    clock.advance(100_000);
    await peer.request(method);
    expect(dialog.terminated).toBe(false);
  });

  it('that are too short are refused with the shortest we take, and ours grow when asked to', async () => {
    const peer = await raw();
    const a = await stack(15130);
    peer.send(rawRequest('INVITE', { port: 15132, to, headers: ['Supported: timer', 'Session-Expires: 30'] }));
    expect((await peer.response(422)).header('min-se')).toBe('90');
    const call = a.invite(callTo(RAW));
    const first = await peer.request('INVITE');
    peer.reply(first, { status: 422, headers: [['Min-SE', '3600']] }, 'x');
    const second = await peer.request('INVITE');
    expect([second.header('session-expires'), second.header('min-se'), second.cseq.number]).toEqual([
      '3600',
      '3600',
      2,
    ]);
    call.cancel();
  });

  it('are left alone with peers that do not know them', async () => {
    const peer = await raw();
    const a = await stack(15130);
    const invited = incoming(a);
    peer.send(rawRequest('INVITE', { port: 15132, to }));
    const { dialog } = (await invited).accept({ body: 'v=0' });
    expect((await peer.response(200)).has('session-expires')).toBe(false);
    expect(dialog.facts.session).toBeUndefined();
  });
});

describe('large requests', () => {
  const both = (port: number) => ({ listen: { udp: { host: '127.0.0.1', port }, tcp: { host: '127.0.0.1', port } } });
  const body = `v=0\r\n${'a=x\r\n'.repeat(400)}`;

  it('go over TCP', async () => {
    const a = await stack(15130, both(15130));
    const b = await stack(15131, both(15131));
    const invited = incoming(b);
    const call = a.invite(callTo('sip:bob@127.0.0.1:15131', { body }));
    const invite = await invited;
    expect(invite.flow.transport).toBe('tcp');
    expect(invite.request.bodyText).toBe(body);
    invite.reject({ status: 486 });
    await call.answered.catch(() => {});
  });

  it('go over UDP when the peer has no TCP', async () => {
    const a = await stack(15130, both(15130));
    const b = await stack(15131);
    const invited = incoming(b);
    const call = a.invite(callTo('sip:bob@127.0.0.1:15131', { body }));
    const invite = await invited;
    expect(invite.flow.transport).toBe('udp');
    invite.reject({ status: 486 });
    await call.answered.catch(() => {});
  });
});

describe('IPv6', () => {
  it('carries a call, and one socket serves both families', async () => {
    const a = await stack(15130, { listen: { udp: { host: '::', port: 15130 } } });
    const b = await stack(15131, { listen: { udp: { host: '::1', port: 15131 } } });
    const c = await stack(15133);
    for (const [callee, uri] of [
      [b, 'sip:bob@[::1]:15131'],
      [c, 'sip:bob@127.0.0.1:15133'],
    ] as const) {
      const hosts: string[] = [];
      callee.onInvite((invite) => {
        hosts.push(invite.request.via.host, invite.request.contact!.uri.host);
        invite.accept({ body: 'v=0' });
      });
      const { dialog } = await a.invite(callTo(uri)).answered;
      dialog.bye();
      await vi.waitFor(() => expect(callee.size.dialogs).toBe(0));
      expect(hosts).toEqual(uri.includes('::1') ? ['[::1]', '[::1]'] : ['127.0.0.1', '127.0.0.1']);
    }
  });
});
