import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fakeAudit, fakeGatekeeper, tokenOf } from '#appliance/http/fake-gatekeeper.ts';
import { createServer } from '#appliance/http/server.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { loadConfig } from '#appliance/platform/config/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { systemRoutes } from './system-routes.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'system-'));
const server = await createServer({
  log: silentLog,
  bus: memoryBus(),
  gatekeeper: fakeGatekeeper(),
  audit: fakeAudit(),
});
const config = loadConfig({}, { dataDir });
systemRoutes(server, {
  config,
  heartbeats: async () => [
    { role: 'web', instance: 'box', status: 'ok', detail: '', eventLoopDelayMs: 7, at: '2026-01-05T09:00:00.000Z' },
  ],
});
afterAll(() => rmSync(dataDir, { recursive: true }));

const ask = (role: 'admin' | 'agent') =>
  server.inject({ url: '/api/v1/system', headers: { authorization: `Bearer ${tokenOf(role)}` } });

it('says what the disk of the data has left, and bears a certificate that is not there', async () => {
  const { statusCode, payload } = await ask('admin');
  expect(statusCode).toBe(200);
  const { disk, memory, certificate } = JSON.parse(payload);
  expect(disk.freeBytes).toBeGreaterThan(0);
  expect(disk.totalBytes).toBeGreaterThan(disk.freeBytes);
  expect(memory.totalBytes).toBeGreaterThan(memory.freeBytes);
  expect(certificate).toBeNull();
});

it('says how late each process is, and renews the certificate of its own authority', async () => {
  const renewed = await server.inject({
    method: 'POST',
    url: '/api/v1/system/certificate/renew',
    payload: {},
    headers: { authorization: `Bearer ${tokenOf('admin')}` },
  });
  expect(renewed.statusCode).toBe(200);
  const { processes, certificate } = JSON.parse((await ask('admin')).payload);
  expect(processes).toMatchObject([{ role: 'web', eventLoopDelayMs: 7 }]);
  expect(certificate).toMatchObject({ own: true, validTo: JSON.parse(renewed.payload).validTo });
});

it('is not for everybody', async () => expect((await ask('agent')).statusCode).toBe(403));
