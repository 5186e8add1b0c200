import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from '@hapi/hapi';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fakeAudit, fakeGatekeeper, tokenOf } from '#appliance/http/fake-gatekeeper.ts';
import { createServer } from '#appliance/http/server.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { createFiles, type Files } from '#appliance/platform/files/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { openKeyRing } from '#appliance/platform/secrets/index.ts';
import { allows, createAudit } from '#appliance/security/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { createKeeping, type Keeping } from './keeping.ts';
import { noteStore } from './note-store.ts';
import { recordingRoutes } from './routes.ts';
import { recordingStore } from './store.ts';

const START = new Date('2026-03-01T09:00:00Z');
let database: TestDatabase;
let dir: string;
let files: Files;
let clock: ManualClock;
let keeping: Keeping;
let server: Server;
let chain: ReturnType<typeof createAudit>;
let audit: ReturnType<typeof fakeAudit>;
let events: { type: string; data: Record<string, unknown> }[];

beforeAll(async () => {
  database = await testDatabase();
  dir = mkdtempSync(join(tmpdir(), 'strongroom-keeping-'));
  files = createFiles({ dir: join(dir, 'files'), keys: openKeyRing(join(dir, 'keys')) });
  // Who acts in these tests is an account.
  for (const [index, role] of ['admin', 'supervisor', 'agent', 'auditor'].entries()) {
    const id = `00000000-0000-7000-8000-00000000000${index}`;
    await database.db('app_user').insert({ id, username: role, display_name: role, role });
  }
});
afterAll(async () => {
  await database.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await database.db('recording').delete();
  clock = new ManualClock(START);
  [events, audit] = [[], fakeAudit()];
  const { db } = database;
  const event = (_: string, type: string, data: Record<string, unknown>) => void events.push({ type, data });
  keeping = createKeeping({ ...{ db, clock, log: silentLog, bus: { publish() {} }, files, event } });
  chain = createAudit({ db, clock, log: silentLog });
  server = await createServer({ log: silentLog, gatekeeper: fakeGatekeeper(allows), audit, bus: { publish() {} } });
  const notes = noteStore(db);
  recordingRoutes(server, { store: recordingStore(db), files, clock, keeping, notes, hasPrompt: () => true });
});

const sweep = () => keeping.sweep((entry, trx) => chain.record(entry, trx));

async function rule(retentionDays: number | null): Promise<string> {
  const name = `rule ${uuidv7()}`;
  const [row] = await database
    .db('recording_rule')
    .insert({ name, mode: 'always', retention_days: retentionDays })
    .returning('id');
  return row.id;
}

async function recording(ruleId: string | null, sound: string): Promise<string> {
  const ref = await files.put(Buffer.from(sound), 'recording');
  const id = uuidv7();
  await database.db('recording').insert({
    ...{
      id,
      interaction_id: uuidv7(),
      rule_id: ruleId,
      state: 'ready',
      started_at: START,
      ended_at: START,
      duration_s: 60,
    },
    ...{
      file_hash: ref.hash,
      file_size: ref.size,
      file_key_id: ref.keyId,
      content_type: 'audio/ogg',
      peaks: Buffer.from('xx'),
    },
  });
  return id;
}

type Role = 'admin' | 'supervisor' | 'agent' | 'auditor';
async function ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, payload?: object, role: Role = 'admin') {
  const headers = { authorization: `Bearer ${tokenOf(role)}` };
  const answer = await server.inject({
    method,
    url: `/api/v1/recordings/${path}`,
    headers,
    ...(payload && { payload }),
  });
  return { status: answer.statusCode, body: answer.payload ? JSON.parse(answer.payload) : undefined };
}
const fileIsThere = async (sound: string): Promise<boolean> => {
  const ref = await files.put(Buffer.from('a key for reading'), 'recording');
  const row = await database.db('recording').where({ file_size: sound.length }).whereNotNull('file_hash').first();
  return (
    row !== undefined &&
    files.readAll({ ...ref, hash: row.file_hash, size: sound.length }).then(
      () => true,
      () => false,
    )
  );
};

describe('retention', () => {
  it('deletes what its rule lets go, no hour earlier, and keeps the row and an entry of the chain', async () => {
    const [short, ever] = [await rule(30), await rule(null)];
    const gone = await recording(short, 'thirty days');
    const stays = await recording(ever, 'for ever and ever');
    expect((await ask('GET', gone)).body).toMatchObject({
      keptUntil: '2026-03-31T09:00:00.000Z',
      hold: null,
      deleted: null,
    });
    expect((await ask('GET', stays)).body.keptUntil).toBeNull();
    clock.advance(30 * 86_400_000);
    expect(await sweep()).toEqual({ deleted: 0, files: 0 });
    expect(await fileIsThere('thirty days')).toBe(true);
    clock.advance(1);
    expect(await sweep()).toEqual({ deleted: 1, files: 1 });
    expect(await sweep()).toEqual({ deleted: 0, files: 0 });
    expect((await ask('GET', gone)).body).toMatchObject({
      state: 'deleted',
      deleted: { at: clock.now().toISOString(), reason: null, by: null },
    });
    expect((await ask('GET', `${gone}/audio`)).body.code).toBe('recording-deleted');
    const row = await database.db('recording').where({ id: gone }).first();
    expect(row).toMatchObject({ file_hash: null, peaks: null });
    expect(events).toMatchObject([{ type: 'recording-deleted', data: { recordingId: gone, why: 'retention' } }]);
    const [entry] = await chain.search({ entityId: gone, limit: 5 } as never);
    expect(entry).toMatchObject({ action: 'recording.deleted', details: { why: 'retention', retentionDays: 30 } });
    expect((await ask('GET', stays)).body.state).toBe('ready');
  });

  it('leaves what is held alone, for everybody, until the hold ends', async () => {
    const held = await recording(await rule(1), 'evidence');
    expect((await ask('PUT', `${held}/hold`, { reason: 'a claim is announced' }, 'supervisor')).status).toBe(403);
    expect((await ask('PUT', `${held}/hold`, { reason: 'a claim is announced' })).status).toBe(204);
    clock.advance(10 * 86_400_000);
    expect(await sweep()).toEqual({ deleted: 0, files: 0 });
    expect((await ask('DELETE', `${held}?reason=by+mistake`)).body.code).toBe('recording-held');
    expect((await ask('GET', held)).body.hold).toEqual({
      at: START.toISOString(),
      reason: 'a claim is announced',
      by: 'admin',
    });
    expect((await ask('DELETE', `${held}/hold?reason=settled`)).status).toBe(204);
    expect(await sweep()).toEqual({ deleted: 1, files: 1 });
    expect(audit.entries.map(({ action }) => action)).toEqual(['recording.held', 'recording.released']);
  });

  it('keeps a sound that another recording has too, and finishes what a crash left half done', async () => {
    const [one, other] = [await recording(null, 'the same silence'), await recording(null, 'the same silence')];
    expect((await ask('DELETE', `${one}?reason=asked+by+the+customer`)).status).toBe(204);
    expect(await fileIsThere('the same silence')).toBe(true);
    expect(audit.entries).toMatchObject([
      { action: 'recording.deleted', entityId: one, details: { reason: 'asked by the customer' } },
    ]);
    // The row says deleted, the file is still there: as after a power cut between the two.
    await database.db('recording').where({ id: other }).update({ state: 'deleted', deleted_at: clock.now() });
    expect(await sweep()).toEqual({ deleted: 0, files: 1 });
    expect(await database.db('recording').where({ id: other }).first('file_hash')).toEqual({ file_hash: null });
  });

  it('is for those who may, and says why', async () => {
    const id = await recording(null, 'kept');
    expect((await ask('DELETE', `${id}?reason=tidying+up`, undefined, 'supervisor')).status).toBe(403);
    expect((await ask('DELETE', id)).status).toBe(400);
    expect((await ask('GET', id)).body.state).toBe('ready');
  });
});

describe('notes', () => {
  it('stand at a moment, in order, with their author, and go with the recording', async () => {
    const id = await recording(null, 'talk');
    expect((await ask('POST', `${id}/notes`, { atS: 42.5, text: 'Raises the voice' }, 'supervisor')).status).toBe(201);
    const early = await ask('POST', `${id}/notes`, { atS: 3, text: 'Greets by name' });
    expect((await ask('GET', `${id}/notes`, undefined, 'auditor')).body.items).toMatchObject([
      { atS: 3, text: 'Greets by name', byName: 'admin' },
      { atS: 42.5, text: 'Raises the voice', byName: 'supervisor' },
    ]);
    expect((await ask('POST', `${id}/notes`, { atS: 61, text: 'x' })).body.code).toBe('after-the-end');
    expect((await ask('POST', `${id}/notes`, { atS: 1, text: 'x' }, 'agent')).status).toBe(403);
    expect((await ask('DELETE', `${id}/notes/${early.body.id}`, undefined, 'supervisor')).body.code).toBe('not-yours');
    expect((await ask('DELETE', `${id}/notes/${early.body.id}`)).status).toBe(204);
    expect(audit.entries.map(({ action }) => action)).toEqual([
      'recording.noted',
      'recording.noted',
      'recording.note-removed',
    ]);
    await ask('DELETE', `${id}?reason=asked+by+the+customer`);
    expect((await ask('GET', `${id}/notes`)).body.items).toEqual([]);
  });
});
