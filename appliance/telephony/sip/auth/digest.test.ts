import { describe, expect, it } from 'vitest';
import { SipRequest, SipResponse } from '../message/message.ts';
import { answerChallenge } from './client.ts';
import { digestResponse, ha1, parseChallenge, printDigest } from './digest.ts';
import { createDigestServer } from './server.ts';

describe('digest values', () => {
  // RFC 2617 §3.5
  it('matches the example of RFC 2617', () => {
    expect(
      digestResponse({
        algorithm: 'MD5',
        ha1: ha1('MD5', 'Mufasa', 'testrealm@host.com', 'Circle Of Life'),
        method: 'GET',
        uri: '/dir/index.html',
        nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
        qop: 'auth',
        nc: '00000001',
        cnonce: '0a4f113b',
      }),
    ).toBe('6629fae49393a05397450978507c4ef1');
  });

  // RFC 7616 §3.9.1
  const example = {
    method: 'GET',
    uri: '/dir/index.html',
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    qop: 'auth',
    nc: '00000001',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  };
  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('matches the %s example of RFC 7616', (algorithm, response) => {
    const key = ha1(algorithm, 'Mufasa', 'http-auth@example.org', 'Circle of Life');
    expect(digestResponse({ algorithm, ha1: key, ...example })).toBe(response);
  });

  it('reads a challenge with commas and quotes inside strings', () => {
    const challenge = parseChallenge(
      'Digest realm="a, \\"b\\"", nonce="n", qop="auth-int, auth", algorithm=sha-256, stale=TRUE',
    );
    expect(challenge).toMatchObject({ realm: 'a, "b"', algorithm: 'SHA-256', qopAuth: true, stale: true });
  });

  it('passes over schemes and algorithms it does not know', () => {
    expect(parseChallenge('Basic realm="x"')).toBeUndefined();
    expect(parseChallenge('Digest realm="x", nonce="n", algorithm=SHA-512-256')).toBeUndefined();
    expect(parseChallenge('Digest realm="x", nonce="n", qop="auth-int"')).toBeUndefined();
  });
});

describe('a server that challenges', () => {
  const uri = 'sip:example.com';
  const users = (username: string, algorithm: 'MD5' | 'SHA-256') =>
    username === 'bob' ? ha1(algorithm, 'bob', 'house', 'secret') : undefined;

  function answer(fields: [string, string][], password = 'secret', username = 'bob'): SipRequest {
    const response = new SipResponse(401, 'Unauthorized');
    for (const [name, value] of fields) response.append(name, value);
    const field = answerChallenge(response, { username, password }, { method: 'REGISTER', uri })!;
    return new SipRequest('REGISTER', uri).append(...field);
  }

  function setUp() {
    let nowMs = 1_000_000;
    const server = createDigestServer({ realm: 'house', now: () => nowMs });
    return { server, pass: (ms: number) => (nowMs += ms) };
  }

  it.each(['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess'] as const)(
    'accepts the right password with %s',
    async (algorithm) => {
      const server = createDigestServer({ realm: 'house', algorithms: [algorithm] });
      expect(await server.verify(answer(server.challenge()), users)).toEqual({ ok: true, username: 'bob' });
    },
  );

  it('offers SHA-256 first, and a client takes it', () => {
    const { server } = setUp();
    expect(answer(server.challenge()).header('Authorization')).toContain('algorithm=SHA-256');
  });

  it('refuses wrong passwords, unknown users, other realms and made-up nonces', async () => {
    const { server } = setUp();
    const challenge = server.challenge();
    expect(await server.verify(answer(challenge, 'wrong'), users)).toMatchObject({ ok: false, why: 'wrong-password' });
    expect(await server.verify(answer(challenge, 'x', 'eve'), users)).toMatchObject({ ok: false, why: 'unknown-user' });
    expect(await server.verify(new SipRequest('REGISTER', uri), users)).toMatchObject({ why: 'no-credentials' });
    const other = createDigestServer({ realm: 'house' });
    expect(await server.verify(answer(other.challenge()), users)).toMatchObject({ ok: false, why: 'stale' });
  });

  it('refuses the same credentials a second time', async () => {
    const { server } = setUp();
    const request = answer(server.challenge());
    expect((await server.verify(request, users)).ok).toBe(true);
    expect(await server.verify(request, users)).toMatchObject({ ok: false, why: 'replayed' });
  });

  it('accepts a nonce again while its counter grows', async () => {
    const { server } = setUp();
    const challenge = parseChallenge(server.challenge()[0]![1])!;
    const send = (nc: string) => {
      const input = { method: 'REGISTER', uri, nonce: challenge.nonce, qop: 'auth', nc, cnonce: 'c' };
      const response = digestResponse({
        algorithm: 'SHA-256',
        ha1: ha1('SHA-256', 'bob', 'house', 'secret'),
        ...input,
      });
      const { method: _, ...fields } = input;
      const value = printDigest({ username: 'bob', realm: 'house', algorithm: 'SHA-256', response, ...fields });
      return server.verify(new SipRequest('REGISTER', uri).append('Authorization', value), users);
    };
    expect(await send('00000001')).toMatchObject({ ok: true });
    expect(await send('00000002')).toMatchObject({ ok: true });
    expect(await send('00000002')).toMatchObject({ ok: false, why: 'replayed' });
    expect(await send('1')).toMatchObject({ ok: false, why: 'malformed' });
  });

  it('calls an old nonce stale, so that the client tries again without asking its user', async () => {
    const { server, pass } = setUp();
    const request = answer(server.challenge());
    pass(301_000);
    expect(await server.verify(request, users)).toMatchObject({ ok: false, why: 'stale' });
    expect(server.challenge({ stale: true })[0]![1]).toContain('stale=true');
  });
});
