import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { createAudit, verifyAudit } from './audit.ts';
import { fileHead } from './audit-head.ts';
import { testBox } from './testing.ts';

let database: TestDatabase;
let dir: string;
beforeEach(async () => {
  database = await testDatabase({ poolMax: 8 });
  dir = mkdtempSync(join(tmpdir(), 'audit-'));
});
afterEach(async () => {
  await database.close();
  rmSync(dir, { recursive: true });
});

const entry = (n: number) => ({
  actor: { userId: '00000000-0000-7000-8000-000000000001', username: 'ada' },
  address: '192.0.2.1',
  action: 'thing.changed',
  entity: 'thing',
  entityId: String(n),
  details: { n, text: 'ä\0"\ud800', list: [1.5, -0, 1e21, 0.1, null], at: new Date(0) },
});

function chain(key = Buffer.alloc(32, 1)) {
  const head = fileHead({ file: join(dir, 'head.json'), key });
  return { head, audit: createAudit({ db: database.db, clock: systemClock, log: silentLog, head }) };
}

/** As somebody with the database's own password would. */
async function tamper(sql: string): Promise<void> {
  await database.db.raw('alter table audit_entry disable trigger user');
  await database.db.raw(sql);
  await database.db.raw('alter table audit_entry enable trigger user');
}

describe('the audit chain', () => {
  it('holds with many writers at once, in and outside transactions', async () => {
    const [a, b] = [chain().audit, chain().audit];
    const work: Promise<void>[] = [];
    for (let n = 0; n < 120; n++) work.push((n % 2 ? a : b).record(entry(n)));
    for (let n = 0; n < 20; n++) work.push(database.db.transaction((trx) => a.record(entry(1000 + n), trx)));
    await Promise.all(work);
    expect(await verifyAudit(database.db)).toMatchObject({ ok: true, entries: 140, head: { seq: 140 } });
  });

  it('leaves no gap when a transaction is rolled back', async () => {
    const { audit, head } = chain();
    await audit.record(entry(1));
    await expect(
      database.db.transaction(async (trx) => {
        await audit.record(entry(2), trx);
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await audit.record(entry(3));
    expect(await verifyAudit(database.db, { head })).toMatchObject({ ok: true, entries: 2 });
  });

  it('cannot be changed, shortened or emptied', async () => {
    await chain().audit.record(entry(1));
    for (const sql of ["update audit_entry set actor = 'x'", 'delete from audit_entry', 'truncate audit_entry']) {
      await expect(database.db.raw(sql), sql).rejects.toThrow(/never changed or removed/);
    }
  });

  it.each([
    ["update audit_entry set actor = 'eve' where seq = 4", 4, 'changed'],
    ["update audit_entry set details = '{}' where seq = 1", 1, 'changed'],
    ["update audit_entry set at = at + interval '1 ms' where seq = 6", 6, 'changed'],
    ['delete from audit_entry where seq = 3', 3, 'missing'],
    ["update audit_entry set hash = sha256('x') where seq = 2", 2, 'changed'],
    ["update audit_entry set prev_hash = sha256('x') where seq = 5", 5, 'not-linked'],
  ])('tells after %s', async (sql, seq, why) => {
    const { audit } = chain();
    for (let n = 0; n < 6; n++) await audit.record(entry(n));
    await tamper(sql);
    expect(await verifyAudit(database.db)).toMatchObject({
      ok: false,
      broken: { seq, why, sentence: expect.stringContaining(String(seq)) },
    });
  });

  it('tells when its end was cut off, by what the box remembers', async () => {
    const { audit, head } = chain();
    for (let n = 0; n < 6; n++) await audit.record(entry(n));
    await audit.close();
    expect(await verifyAudit(database.db, { head })).toMatchObject({ ok: true });
    await tamper('delete from audit_entry where seq > 4');
    expect(await verifyAudit(database.db)).toMatchObject({ ok: true, entries: 4 });
    expect(await verifyAudit(database.db, { head })).toMatchObject({ ok: false, broken: { seq: 6, why: 'cut-off' } });
    await chain().audit.record(entry(99));
    await chain().audit.record(entry(100));
  });

  it('tells when the remembered end was forged', async () => {
    const { audit, head } = chain();
    for (let n = 0; n < 3; n++) await audit.record(entry(n));
    await audit.close();
    const file = join(dir, 'head.json');
    const kept = readFileSync(file, 'utf8');
    for (const forged of [
      kept.replace('"seq":3', '"seq":2'),
      '',
      '{}',
      '{"seq":',
      JSON.stringify({ seq: 1, hash: 'x', mark: 'y' }),
    ]) {
      writeFileSync(file, forged);
      expect(await verifyAudit(database.db, { head }), forged).toMatchObject({
        ok: false,
        broken: { why: 'head-forged' },
      });
    }
  });

  it('is searched and verified over the API by auditors, and that is an entry too', async () => {
    const box = await testBox(database.db);
    const auditor = await box.signedIn('auditor');
    const supervisor = await box.signedIn('supervisor');
    for (let n = 0; n < 5; n++) await box.security.audit.record(entry(n));
    const get = async (url: string, headers = auditor.headers) => {
      const answer = await box.server.inject({ url: `/api/v1${url}`, headers });
      return { status: answer.statusCode, body: JSON.parse(answer.payload) };
    };
    expect((await get('/audit', supervisor.headers)).status).toBe(403);
    const first = await get('/audit?entity=thing&limit=2');
    expect(first.body.items.map((item: { entityId: string }) => item.entityId)).toEqual(['4', '3']);
    expect(
      (await get(`/audit?entity=thing&limit=2&cursor=${first.body.next}`)).body.items.map(
        (item: { entityId: string }) => item.entityId,
      ),
    ).toEqual(['2', '1']);
    expect((await get('/audit?q=ADA')).body.items).toHaveLength(5);
    expect((await get('/audit?q=%25')).body.items).toHaveLength(0);
    expect((await get('/audit?cursor=drop')).status).toBe(400);
    expect((await get('/audit?limit=100000')).status).toBe(400);
    expect((await get('/audit/verify')).body).toMatchObject({ ok: true });
    expect((await get('/audit?action=audit.verified')).body.items).toHaveLength(1);
  });
});
