import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureCertificates, localNames } from './index.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'strongroom-ca-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const files = () => ({
  caCert: join(dir, 'ca.pem'),
  keys: join(dir, 'keys'),
  serverCert: join(dir, 'server.pem'),
  serverKey: join(dir, 'keys', 'server.key'),
});

test('a client that trusts the authority reaches the server by name and by address', async () => {
  ensureCertificates(files());
  const server = createServer(
    { cert: readFileSync(files().serverCert), key: readFileSync(files().serverKey) },
    (_, answer) => answer.end('hello'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  for (const host of ['localhost', '127.0.0.1']) {
    const status = await new Promise((resolve, reject) => {
      get({ host, port, family: 4, ca: readFileSync(files().caCert) }, (answer) => resolve(answer.statusCode)).on(
        'error',
        reject,
      );
    });
    expect(status).toBe(200);
  }
  server.close();
});

test('a second start keeps everything; keys are private', () => {
  expect(ensureCertificates(files())).toEqual({ ca: true, server: true });
  const before = readFileSync(files().serverCert, 'utf8');
  expect(ensureCertificates(files())).toEqual({ ca: false, server: false });
  expect(readFileSync(files().serverCert, 'utf8')).toBe(before);
  for (const key of [files().serverKey, join(dir, 'keys', 'ca.key')]) expect(statSync(key).mode & 0o777).toBe(0o600);
});

test('a certificate that expires soon is renewed, one with months left is not', () => {
  ensureCertificates(files());
  const inDays = (days: number) => ({ now: new Date(Date.now() + days * 86_400_000) });
  expect(ensureCertificates(files(), inDays(360)).server).toBe(false);
  expect(ensureCertificates(files(), inDays(370)).server).toBe(true);
});

test('a machine that gets another address gets a certificate for it from the same authority', () => {
  ensureCertificates(files(), { names: ['localhost', '192.0.2.1'] });
  expect(ensureCertificates(files(), { names: ['localhost', '192.0.2.1'] })).toEqual({ ca: false, server: false });
  expect(ensureCertificates(files(), { names: ['localhost', '192.0.2.77'] })).toEqual({ ca: false, server: true });
});

test('the names of this machine are usable in a certificate', () => {
  expect(localNames(['pbx.example.com', 'bad name', 'x\nDNS:evil'])).toEqual(
    expect.arrayContaining(['localhost', '127.0.0.1', 'pbx.example.com']),
  );
  expect(localNames(['bad name', 'x\nDNS:evil']).some((name) => /\s/.test(name))).toBe(false);
});
