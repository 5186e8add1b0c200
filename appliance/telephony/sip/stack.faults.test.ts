// What goes wrong between two parties: lost packets, forks, crossings, a process that died.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Dialog, IncomingInvite, SipStack, TraceEntry } from './api.ts';
import { parseUri } from './message/uri.ts';
import { lossyRelay } from './testing/lossy-relay.ts';
import { RawPeer, rawRequest } from './testing/raw-peer.ts';
import { callTo, next, startStack } from './testing/stacks.ts';

const open: { stop?: () => unknown; close?: () => unknown }[] = [];
async function stack(port: number, options = {}): Promise<SipStack> {
  const made = await startStack(port, { timers: { t1Ms: 20, t2Ms: 160, t4Ms: 200 }, ...options });
  open.push(made);
  return made;
}
async function raw(): Promise<RawPeer> {
  const peer = await RawPeer.open(15062, 15060);
  open.push(peer);
  return peer;
}
afterEach(async () => {
  for (const one of open.splice(0)) await (one.stop ?? one.close)?.call(one);
});
const RAW = 'sip:raw@127.0.0.1:15062';
const ok = { status: 200, headers: [['Contact', '<sip:raw@127.0.0.1:15062>']] as [string, string][], body: 'v=0' };

describe('a network that loses every fourth packet', () => {
  it('still carries every call from INVITE to BYE', async () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return seed / 0x7fff_ffff;
    };
    // Nothing is lost more than twice: whether everything gets through must not be a matter of luck.
    const losses = new Map<string, number>();
    const relay = await lossyRelay({ a: 15060, b: 15061, forA: 15071, forB: 15070 }, (data) => {
      const message = data.toString('latin1');
      const before = losses.get(message) ?? 0;
      if (before >= 2 || random() >= 0.3) return false;
      losses.set(message, before + 1);
      return true;
    });
    open.push(relay);
    const a = await stack(15060);
    const b = await stack(15061);
    let ended = 0;
    b.onInvite((invite) => {
      invite.progress({ status: 180 });
      const { dialog, acked } = invite.accept({ body: 'v=0' });
      void acked.then(() => {});
      dialog.onRequest((request) => request.respond({ status: 200, body: 'v=0' }));
      dialog.onEnd(({ by }) => by === 'peer' && ended++);
    });
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { dialog } = await a.invite(callTo('sip:bob@127.0.0.1:15070')).answered;
        expect((await dialog.reinvite({ body: 'a=sendonly' })).status).toBe(200);
        dialog.bye();
      }),
    );
    await vi.waitFor(() => expect(ended).toBe(20), 3000);
    expect(relay.lost).toBeGreaterThan(20);
    await vi.waitFor(
      () =>
        expect([a.size, b.size]).toEqual([
          { dialogs: 0, transactions: 0 },
          { dialogs: 0, transactions: 0 },
        ]),
      5000,
    );
  });
});

describe('an outgoing call', () => {
  it('acknowledges a 2xx each time it comes', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const call = a.invite(callTo(RAW));
    const invite = await peer.request('INVITE');
    peer.reply(invite, ok, 'one');
    await call.answered;
    peer.reply(invite, ok, 'one');
    peer.reply(invite, ok, 'one');
    await vi.waitFor(() => expect(peer.count('ACK')).toBe(3));
    expect(
      new Set(peer.received.filter((m) => 'method' in m && m.method === 'ACK').map((m) => m.via.branch)).size,
    ).toBe(1);
  });

  it('takes the first of two forks that answer and ends the other', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const call = a.invite(callTo(RAW));
    const invite = await peer.request('INVITE');
    peer.reply(invite, ok, 'first');
    peer.reply(invite, ok, 'second');
    const { dialog } = await call.answered;
    expect(dialog.facts.remoteTag).toBe('first');
    const bye = await peer.request('BYE');
    expect(bye.to.tag).toBe('second');
    expect(peer.count('ACK')).toBe(2);
    peer.reply(bye, { status: 200 });
    expect(dialog.terminated).toBe(false);
  });

  it('holds its CANCEL back until the first provisional response', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const call = a.invite(callTo(RAW));
    const invite = await peer.request('INVITE');
    call.cancel();
    peer.reply(invite, { status: 100 });
    const cancel = await peer.request('CANCEL');
    expect(cancel.via.branch).toBe(invite.via.branch);
    expect(cancel.cseq).toEqual({ number: 1, method: 'CANCEL' });
    expect(cancel.uriText).toBe(invite.uriText);
    peer.reply(cancel, { status: 200 }, 'x');
    peer.reply(invite, { status: 487 }, 'x');
    expect((await call.answered.catch((error) => error)).status).toBe(487);
    expect((await peer.request('ACK')).via.branch).toBe(invite.via.branch);
  });

  it('ends a call that was answered while its CANCEL was on the way', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const call = a.invite(callTo(RAW));
    const invite = await peer.request('INVITE');
    peer.reply(invite, { status: 180 }, 'one');
    await next((listener) => call.onProgress(listener));
    call.cancel({ q850: 16 });
    peer.reply(invite, ok, 'one');
    expect((await call.answered.catch((error) => error)).status).toBe(487);
    await peer.request('ACK');
    expect((await peer.request('BYE')).header('reason')).toBe('Q.850;cause=16');
  });

  it('is over when the cancelled peer never says so', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const call = a.invite(callTo(RAW));
    peer.reply(await peer.request('INVITE'), { status: 180 }, 'one');
    await next((listener) => call.onProgress(listener));
    call.cancel();
    expect((await call.answered.catch((error) => error)).status).toBe(487);
  });

  it('fails with 408 when nobody is there', async () => {
    const a = await stack(15060, { timers: { t1Ms: 5, t2Ms: 40, t4Ms: 50 } });
    await raw();
    expect((await a.invite(callTo(RAW)).answered.catch((error) => error)).status).toBe(408);
  });

  it('answers a challenge, once', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const call = a.invite(callTo(RAW, { credentials: { username: 'u', password: 'p' } }));
    const first = await peer.request('INVITE');
    const challenge: [string, string][] = [['Proxy-Authenticate', 'Digest realm="r", nonce="n", qop="auth"']];
    peer.reply(first, { status: 407, headers: challenge }, 'x');
    const second = await peer.request('INVITE');
    expect(second.cseq.number).toBe(2);
    expect(second.callId).toBe(first.callId);
    expect(second.from.tag).toBe(first.from.tag);
    expect(second.header('proxy-authorization')).toContain('username="u"');
    peer.reply(second, { status: 407, headers: challenge }, 'y');
    expect((await call.answered.catch((error) => error)).status).toBe(407);
  });

  it('follows the recorded route', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const call = a.invite(callTo(RAW));
    const invite = await peer.request('INVITE');
    const routes = '<sip:last@127.0.0.1:15062;lr>, <sip:127.0.0.1:15062;lr>';
    peer.reply(
      invite,
      {
        ...ok,
        headers: [
          ['Contact', '<sip:far@192.0.2.7>'],
          ['Record-Route', routes],
        ],
      },
      'one',
    );
    await call.answered;
    const ack = await peer.request('ACK');
    expect(ack.uriText).toBe('sip:far@192.0.2.7');
    expect(ack.headers('route')).toEqual(['<sip:127.0.0.1:15062;lr>', '<sip:last@127.0.0.1:15062;lr>']);
  });
});

describe('an incoming call', () => {
  const incoming = (made: SipStack) => next<IncomingInvite>((listener) => made.onInvite(listener));

  it('repeats its 200 until the ACK comes and hangs up when it never does', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const invited = incoming(a);
    peer.send(rawRequest('INVITE', { port: 15062 }));
    const { dialog, acked } = (await invited).accept({ body: 'v=0' });
    const ended = next<{ by: string }>((listener) => dialog.onEnd(listener));
    await expect(acked).rejects.toThrow('ACK');
    expect(await ended).toMatchObject({ by: 'failure' });
    expect(peer.count(200)).toBeGreaterThan(5);
    peer.reply(await peer.request('BYE'), { status: 200 });
  });

  it('sends no BYE before the ACK', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const invited = incoming(a);
    peer.send(rawRequest('INVITE', { port: 15062 }));
    const { dialog } = (await invited).accept({ body: 'v=0' });
    dialog.bye();
    const answer = await peer.response(200);
    expect(peer.count('BYE')).toBe(0);
    peer.send(rawRequest('ACK', { port: 15062, branch: 'z9hG4bKack', toTag: answer.to.tag! }));
    await peer.request('BYE');
  });

  it('that was cancelled cannot be accepted any more', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const invited = incoming(a);
    peer.send(rawRequest('INVITE', { port: 15062 }));
    const invite = await invited;
    peer.send(rawRequest('CANCEL', { port: 15062, headers: ['Reason: Q.850;cause=16'] }));
    expect(await next((listener) => invite.onCancel(listener))).toEqual({ q850: 16 });
    const { dialog } = invite.accept({ body: 'v=0' });
    expect(dialog.terminated).toBe(true);
    await peer.response(487);
    expect(peer.received.filter((m) => 'status' in m && m.status === 200 && m.cseq.method === 'INVITE')).toHaveLength(
      0,
    );
    expect(a.size.dialogs).toBe(0);
  });

  it('refuses what cannot be understood with the status it deserves', async () => {
    const peer = await raw();
    const a = await stack(15060);
    a.onInvite((invite) => invite.reject({ status: 486 }));
    peer.send(rawRequest('INVITE', { port: 15062, branch: 'z9hG4bK1', headers: ['Require: nothing-we-know'] }));
    expect((await peer.response(420)).header('unsupported')).toBe('nothing-we-know');
    peer.send(rawRequest('INVITE', { port: 15062, branch: 'z9hG4bK2', to: 'mailto:bob' }));
    await peer.response(416);
    peer.send(rawRequest('INVITE', { port: 15062, branch: 'z9hG4bK3' }).replace('SIP/2.0\r\n', 'SIP/7.0\r\n'));
    await peer.response(505);
    peer.send(rawRequest('INVITE', { port: 15062, branch: 'z9hG4bK4' }).replace('CSeq: 1 INVITE', 'CSeq: 1 BYE'));
    await peer.response(400);
    peer.send(rawRequest('BYE', { port: 15062, branch: 'z9hG4bK5', toTag: 'unknown' }));
    await peer.response(481);
    peer.send('total nonsense\r\n\r\n');
    peer.send(rawRequest('OPTIONS', { port: 15062, branch: 'z9hG4bK6' }));
    await peer.response(200);
  });

  it('is refused at the door when it is not admitted', async () => {
    const peer = await raw();
    let calls = 0;
    const a = await stack(15060, {
      admit: () => (++calls === 1 ? { ok: false, status: 503, retryAfterS: 7 } : { ok: false, drop: true }),
    });
    peer.send(rawRequest('INVITE', { port: 15062, branch: 'z9hG4bK1' }));
    expect((await peer.response(503)).header('retry-after')).toBe('7');
    peer.send(rawRequest('INVITE', { port: 15062, branch: 'z9hG4bK2' }));
    await vi.waitFor(() => expect(calls).toBe(2));
    expect(a.size.transactions).toBe(0);
  });
});

describe('re-INVITEs that cross', () => {
  it('are sorted out by 491 and a pause', async () => {
    const a = await stack(15060);
    const b = await stack(15061);
    let theirs: Dialog | undefined;
    b.onInvite((invite) => {
      theirs = invite.accept({ body: 'v=0' }).dialog;
      theirs.onRequest((request) => request.respond({ status: 200, body: 'b' }));
    });
    const { dialog } = await a.invite(callTo('sip:bob@127.0.0.1:15061')).answered;
    dialog.onRequest((request) => request.respond({ status: 200, body: 'a' }));
    await new Promise(setImmediate);
    const [one, two] = await Promise.all([dialog.reinvite({ body: '1' }), theirs!.reinvite({ body: '2' })]);
    expect([one.bodyText, two.bodyText]).toEqual(['b', 'a']);
  });
});

describe('after the process died', () => {
  it('a later one goes on with the dialog from its facts, on either side', async () => {
    const a = await stack(15060);
    const b = await stack(15061);
    const theirs: Dialog[] = [];
    b.onInvite((invite) => {
      const { dialog } = invite.accept({ body: 'v=0' });
      dialog.onRequest((request) => request.respond({ status: 200, body: 'held' }));
      theirs.push(dialog);
    });
    const { dialog } = await a.invite(callTo('sip:bob@127.0.0.1:15061')).answered;
    await dialog.request('INFO');
    const facts = JSON.parse(JSON.stringify(dialog.facts));
    await a.stop();
    const later = await stack(15060);
    const again = later.restoreDialog(facts);
    expect((await again.reinvite({ body: 'a=sendonly' })).bodyText).toBe('held');
    const asked = next<{ request: { method: string }; respond(reply: { status: number }): void }>((listener) =>
      again.onRequest(listener),
    );
    const informed = theirs[0]!.request('INFO');
    (await asked).respond({ status: 200 });
    expect((await informed).status).toBe(200);
    const ended = next<object>((listener) => again.onEnd(listener));
    theirs[0]!.bye({ headers: [['Reason', 'Q.850;cause=31']] });
    expect(await ended).toEqual({ by: 'peer', q850: 31 });
  });

  it('a BYE that comes before the later one has read its dialogs waits for them', async () => {
    const a = await stack(15060);
    const b = await stack(15061);
    const theirs: Dialog[] = [];
    b.onInvite((invite) => void theirs.push(invite.accept({ body: 'v=0' }).dialog));
    const { dialog } = await a.invite(callTo('sip:bob@127.0.0.1:15061')).answered;
    const facts = JSON.parse(JSON.stringify(dialog.facts));
    await a.stop();
    const came = Promise.withResolvers<void>();
    const later = await stack(15060, {
      adopting: true,
      trace: ({ direction, message }: TraceEntry) =>
        direction === 'in' && String(message).startsWith('BYE') && came.resolve(),
    });
    theirs[0]!.bye();
    await came.promise;
    const ended = next<object>((listener) => later.restoreDialog(facts).onEnd(listener));
    later.adopted();
    expect(await ended).toEqual({ by: 'peer' });
  });

  it('a later one cancels a call that was ringing, and ends it when it is answered all the same', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const call = a.invite(callTo(RAW));
    const invite = await peer.request('INVITE');
    peer.reply(invite, { status: 180 }, 'one');
    await next((listener) => call.onProgress(listener));
    const facts = JSON.parse(JSON.stringify(call.facts));
    await a.stop();
    const later = await stack(15060);
    later.cancelOrphan(facts);
    const cancel = await peer.request('CANCEL');
    expect([cancel.via.branch, cancel.callId, cancel.from.tag, cancel.uriText]).toEqual([
      invite.via.branch,
      invite.callId,
      invite.from.tag,
      invite.uriText,
    ]);
    peer.reply(cancel, { status: 200 }, 'one');
    peer.reply(invite, ok, 'one');
    expect((await peer.request('ACK')).cseq.number).toBe(1);
    const bye = await peer.request('BYE');
    expect([bye.callId, bye.from.tag, bye.to.tag]).toEqual([invite.callId, invite.from.tag, 'one']);
  });

  it('a later one acknowledges the 487 of its CANCEL', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const call = a.invite(callTo(RAW));
    const invite = await peer.request('INVITE');
    peer.reply(invite, { status: 180 }, 'one');
    const { facts } = call;
    await a.stop();
    const later = await stack(15060);
    later.cancelOrphan(facts);
    peer.reply(await peer.request('CANCEL'), { status: 200 }, 'one');
    peer.reply(invite, { status: 487 }, 'one');
    const ack = await peer.request('ACK');
    expect([ack.via.branch, ack.to.tag]).toEqual([invite.via.branch, 'one']);
  });
});

describe('a request inside a dialog', () => {
  it('that nobody answers ends the dialog', async () => {
    const peer = await raw();
    const a = await stack(15060, { timers: { t1Ms: 5, t2Ms: 40, t4Ms: 50 } });
    const call = a.invite(callTo(RAW));
    peer.reply(await peer.request('INVITE'), ok, 'one');
    const { dialog } = await call.answered;
    const ended = next<object>((listener) => dialog.onEnd(listener));
    expect((await dialog.request('INFO').catch((error) => error)).status).toBe(408);
    expect(await ended).toEqual({ by: 'failure', status: 408 });
  });

  it('with an old CSeq is refused, and one for a dialog that is over gets 481', async () => {
    const peer = await raw();
    const a = await stack(15060);
    const invited = next<IncomingInvite>((listener) => a.onInvite(listener));
    peer.send(rawRequest('INVITE', { port: 15062, cseq: 10 }));
    const { dialog } = (await invited).accept({ body: 'v=0' });
    const toTag = (await peer.response(200)).to.tag!;
    peer.send(rawRequest('ACK', { port: 15062, cseq: 10, branch: 'z9hG4bKa', toTag }));
    peer.send(rawRequest('INFO', { port: 15062, cseq: 9, branch: 'z9hG4bKb', toTag }));
    await peer.response(500);
    peer.send(rawRequest('BYE', { port: 15062, cseq: 11, branch: 'z9hG4bKc', toTag }));
    await peer.response(200);
    expect(dialog.terminated).toBe(true);
    peer.send(rawRequest('INFO', { port: 15062, cseq: 12, branch: 'z9hG4bKd', toTag }));
    await peer.response(481);
  });
});

describe('registration', () => {
  it('is challenged and answered', async () => {
    const a = await stack(15060);
    const b = await stack(15061);
    const { createDigestServer, ha1 } = await import('./index.ts');
    const digest = createDigestServer({ realm: 'house' });
    b.onRequest(async (request) => {
      const verdict = await digest.verify(request.request, (user, algorithm) =>
        ha1(algorithm, user, 'house', 'secret'),
      );
      request.respond(verdict.ok ? { status: 200 } : { status: 401, headers: digest.challenge() });
    });
    const register = (password: string) =>
      a.request({
        method: 'REGISTER',
        uri: parseUri('sip:127.0.0.1:15061'),
        to: { uri: parseUri('sip:bob@127.0.0.1') },
        from: { uri: parseUri('sip:bob@127.0.0.1') },
        contact: { user: 'bob', headerParams: { expires: '60' } },
        credentials: { username: 'bob', password },
      });
    expect((await register('secret')).status).toBe(200);
    expect((await register('wrong')).status).toBe(401);
  });
});
