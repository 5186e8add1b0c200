import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fakeAudit, fakeGatekeeper, tokenOf } from '#appliance/http/fake-gatekeeper.ts';
import { createServer } from '#appliance/http/server.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { systemRoutes } from './system-routes.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'system-'));
const server = await createServer({
  log: silentLog,
  bus: memoryBus(),
  gatekeeper: fakeGatekeeper(),
  audit: fakeAudit(),
});
systemRoutes(server, { config: { dataDir, tlsCert: join(dataDir, 'missing.pem') } });
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

it('is not for everybody', async () => expect((await ask('agent')).statusCode).toBe(403));
