import { afterEach, describe, expect, it } from 'vitest';
import type { IncomingInvite, SipStack } from './api.ts';
import { InviteFailed } from './api.ts';
import { parseUri } from './message/uri.ts';
import { callTo, next, startStack } from './testing/stacks.ts';

const stacks: SipStack[] = [];
async function pair(): Promise<[SipStack, SipStack]> {
  const a = await startStack(15160);
  const b = await startStack(15161);
  stacks.push(a, b);
  return [a, b];
}
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.stop();
});
const incoming = (stack: SipStack) => next<IncomingInvite>((listener) => stack.onInvite(listener));

describe('a call over UDP', () => {
  it('rings, is answered, acknowledged and ended by the caller', async () => {
    const [a, b] = await pair();
    const invited = incoming(b);
    const call = a.invite(callTo('sip:bob@127.0.0.1:15161'));
    const ringing = next<{ status: number }>((listener) => call.onProgress(listener));
    const invite = await invited;
    expect(invite.request.uri.user).toBe('bob');
    expect(invite.request.from.displayName).toBe('Alice');
    invite.progress({ status: 180 });
    expect((await ringing).status).toBe(180);
    const { dialog, acked } = invite.accept({ contentType: 'application/sdp', body: 'v=0\r\nanswer' });
    const answered = await call.answered;
    expect(answered.response.bodyText).toBe('v=0\r\nanswer');
    await acked;
    const ended = next<{ by: string }>((listener) => dialog.onEnd(listener));
    answered.dialog.bye({ headers: [['Reason', 'Q.850;cause=16']] });
    expect(await ended).toEqual({ by: 'peer', q850: 16 });
  });

  it('is ended by the callee', async () => {
    const [a, b] = await pair();
    b.onInvite((invite) => invite.accept({ body: 'v=0' }).dialog.bye());
    const { dialog } = await a.invite(callTo('sip:bob@127.0.0.1:15161')).answered;
    expect((await next<{ by: string }>((listener) => dialog.onEnd(listener))).by).toBe('peer');
  });

  it('is refused with the status the callee chose', async () => {
    const [a, b] = await pair();
    b.onInvite((invite) => invite.reject({ status: 486 }));
    const failed = await a.invite(callTo('sip:bob@127.0.0.1:15161')).answered.catch((error) => error);
    expect(failed).toBeInstanceOf(InviteFailed);
    expect(failed.status).toBe(486);
  });

  it('is cancelled while it rings', async () => {
    const [a, b] = await pair();
    const invited = incoming(b);
    const call = a.invite(callTo('sip:bob@127.0.0.1:15161'));
    const invite = await invited;
    invite.progress({ status: 180 });
    const cancelled = next<object>((listener) => invite.onCancel(listener));
    call.cancel({ q850: 26, text: 'answered elsewhere' });
    expect(await cancelled).toEqual({ q850: 26, text: 'answered elsewhere' });
    expect((await call.answered.catch((error) => error)).status).toBe(487);
  });

  it('is held by re-INVITE from either side', async () => {
    const [a, b] = await pair();
    b.onInvite((invite) => {
      const { dialog } = invite.accept({ body: 'v=0' });
      dialog.onRequest((request) => request.respond({ status: 200, body: `re ${request.request.bodyText}` }));
    });
    const { dialog } = await a.invite(callTo('sip:bob@127.0.0.1:15161')).answered;
    const response = await dialog.reinvite({ body: 'a=sendonly' });
    expect(response.bodyText).toBe('re a=sendonly');
    dialog.bye();
  });
});

describe('requests outside of calls', () => {
  it('answers REGISTER through the handler and OPTIONS by itself', async () => {
    const [a, b] = await pair();
    const options = { to: { uri: parseUri('sip:127.0.0.1') }, from: { uri: parseUri('sip:alice@127.0.0.1') } };
    const uri = parseUri('sip:127.0.0.1:15161');
    expect((await a.request({ method: 'OPTIONS', uri, ...options })).status).toBe(200);
    b.onRequest((request) =>
      request.respond({ status: 200, headers: [['Contact', request.request.header('contact')!]] }),
    );
    const registered = await a.request({ method: 'REGISTER', uri, ...options, contact: { user: 'alice' } });
    expect(registered.contact?.uri.port).toBe(15160);
  });
});
