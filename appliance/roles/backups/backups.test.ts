import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { fakeAudit, fakeGatekeeper, tokenOf } from '#appliance/http/fake-gatekeeper.ts';
import { createServer } from '#appliance/http/server.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import type { Jobs } from '#appliance/platform/jobs/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { backupRoutes, backupStore, backupsWatched, defineBackupJobs } from './index.ts';
import { isDue, lastSlot, nextSlot, toRemove } from './plan.ts';
import type { BackupResult } from './run-cli.ts';
import type { BackupPlan, BackupRun } from './store.ts';

const local = (text: string) => new Date(text);
const plan = (more: Partial<BackupPlan> = {}): BackupPlan => ({
  version: 1,
  enabled: true,
  atTime: '03:00',
  folder: null,
  keep: 2,
  verify: true,
  maxAgeH: 48,
  createdAt: local('2026-01-01T12:00:00'),
  ...more,
});
const run = (id: string, askedAt: string, more: Partial<BackupRun> = {}) =>
  ({
    id,
    askedAt: local(askedAt),
    state: 'done',
    askedBy: null,
    removedAt: null,
    verified: true,
    ...more,
  }) as BackupRun;

describe('a plan of backups', () => {
  it.each([
    ['a box that was installed at noon waits for its first night', '2026-01-01T23:00:00', null, false],
    ['the first night', '2026-01-02T03:00:30', null, true],
    ['once a night', '2026-01-02T03:02:00', '2026-01-02T03:00:30', false],
    ['a box that was off at the hour makes up for it', '2026-01-02T08:00:00', null, true],
    ['but not in the afternoon', '2026-01-02T15:30:00', null, false],
    ['the night after', '2026-01-03T03:00:10', '2026-01-02T03:00:30', true],
  ])('%s', (_, now, last, due) => expect(isDue(plan(), last === null ? null : local(last), local(now))).toBe(due));

  it('that is switched off is never due', () =>
    expect(isDue(plan({ enabled: false }), null, local('2026-01-02T03:00:30'))).toBe(false));

  it('knows its last and its next hour', () => {
    expect(lastSlot(plan(), local('2026-01-02T02:59:00'))).toEqual(local('2026-01-01T03:00:00'));
    expect(nextSlot(plan(), local('2026-01-02T02:59:00'))).toEqual(local('2026-01-02T03:00:00'));
  });

  it('keeps so many, never throws the newest good one away, nor what was made by hand', () => {
    const runs = [
      run('d', '2026-01-05T03:00:00', { verified: false }),
      run('c', '2026-01-04T03:00:00', { verified: false }),
      run('hand', '2026-01-03T09:00:00', { askedBy: 'strongroom backup' }),
      run('b', '2026-01-03T03:00:00'),
      run('a', '2026-01-02T03:00:00'),
      run('failed', '2026-01-01T03:00:00', { state: 'failed' }),
    ];
    expect(toRemove(plan(), runs).map(({ id }) => id)).toEqual(['a']);
  });

  const troubles = (lastGoodAt: string | null, latest?: BackupRun, more = {}) =>
    backupsWatched(
      plan(more),
      { lastGoodAt: lastGoodAt === null ? null : local(lastGoodAt), latest },
      local('2026-01-06T12:00:00'),
    ).flatMap(({ kind, trouble }) => (trouble ? [`${kind} ${trouble.severity}`] : []));
  it('is an alarm when the last good backup is too old, failed, or is broken', () => {
    expect(troubles('2026-01-06T03:00:00')).toEqual([]);
    expect(troubles('2026-01-04T03:00:00')).toEqual(['backup.old warning']);
    expect(troubles(null)).toEqual(['backup.old warning']);
    expect(troubles(null, undefined, { maxAgeH: null })).toEqual([]);
    const at = '2026-01-06T03:00:00';
    expect(troubles(at, run('x', at, { state: 'failed', said: 'no room' }))).toEqual(['backup.failed warning']);
    expect(troubles(at, run('x', at, { verified: false, said: '' }))).toEqual(['backup.broken critical']);
  });
});

describe('the page of backups', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'backups-'));
  const clock = new ManualClock('2026-01-05T09:00:00Z');
  const handlers = new Map<string, (payload: object) => Promise<void>>();
  const queued: { name: string; payload: object }[] = [];
  const jobs = {
    define: (name: string, _: object, handler: (payload: never) => Promise<void>) =>
      void handlers.set(name, handler as never),
    enqueue: async (name: string, payload: object) => String(queued.push({ name, payload })),
  } as unknown as Jobs;
  let next: () => Promise<BackupResult> = async () => ({ rows: 12, verified: true, problems: [] });
  const commands: string[][] = [];
  let database: TestDatabase;
  let ask: (method: string, url: string, payload?: object, etag?: string) => Promise<{ status: number; body: never }>;

  beforeAll(async () => {
    database = await testDatabase();
    const store = backupStore(database.db);
    defineBackupJobs({
      jobs,
      store,
      config: { dataDir },
      clock,
      log: silentLog,
      async run(args, onprogress) {
        commands.push(args);
        onprogress('database', 0.1);
        const result = await next();
        writeFileSync(args[1]!, 'a backup');
        return result;
      },
    });
    const server = await createServer({
      log: silentLog,
      bus: memoryBus(),
      gatekeeper: fakeGatekeeper(),
      audit: fakeAudit(),
    });
    backupRoutes(server, { store, jobs, config: { dataDir }, clock });
    await database.db('backup_plan').update({ folder: dataDir });
    ask = async (method, url, payload, etag) => {
      const headers = { authorization: `Bearer ${tokenOf('admin')}`, ...(etag && { 'if-match': etag }) };
      const answer = await server.inject({
        method: method as 'GET',
        url: `/api/v1${url}`,
        headers,
        ...(payload && { payload }),
      });
      return { status: answer.statusCode, body: (answer.payload ? JSON.parse(answer.payload) : undefined) as never };
    };
  });
  afterAll(async () => {
    await database.close();
    rmSync(dataDir, { recursive: true });
  });
  const work = async () => {
    const { name, payload } = queued.shift()!;
    await handlers.get(name)!(payload);
  };
  type Shown = { items: (BackupRun & { there: boolean })[]; lastGoodAt: string | null; plan: { version: number } };
  const shown = async () => (await ask('GET', '/backups')).body as Shown;

  test('a backup asked for is made, one at a time, and is there with its size', async () => {
    expect((await ask('POST', '/backups', {})).status).toBe(202);
    expect((await ask('POST', '/backups', {})).status).toBe(409);
    expect((await shown()).items).toMatchObject([{ state: 'waiting', askedBy: 'admin', there: false }]);
    await work();
    expect(commands.at(-1)).toEqual([
      'backup',
      join(dataDir, 'strongroom-20260105-090000.tar.gz'),
      '--verify',
      '--json',
      '--scratch',
      dataDir,
    ]);
    const { items, lastGoodAt } = await shown();
    expect(items).toMatchObject([{ state: 'done', verified: true, bytes: 8, rowCount: 12, there: true }]);
    expect(lastGoodAt).toBe('2026-01-05T09:00:00.000Z');
  });

  test('one that was good may turn out broken when it is tried once more', async () => {
    next = async () => ({ rows: 12, verified: false, problems: ['database.dump is missing.'] });
    const [first] = (await shown()).items;
    expect((await ask('POST', `/backups/${first!.id}/verify`, {})).status).toBe(202);
    await work();
    const { items, lastGoodAt } = await shown();
    expect(items).toMatchObject([{ state: 'done', verified: false, said: 'database.dump is missing.' }]);
    expect(lastGoodAt).toBeNull();
  });

  test('a failure says why, and removing takes the file away', async () => {
    clock.advance(60_000);
    next = () => Promise.reject(new Error('No space left on device'));
    await ask('POST', '/backups', {});
    await work();
    const { items } = await shown();
    expect(items[0]).toMatchObject({ state: 'failed', said: 'No space left on device', there: false });
    expect((await ask('DELETE', `/backups/${items[1]!.id}`)).status).toBe(204);
    expect(existsSync(items[1]!.file)).toBe(false);
    expect((await shown()).items).toHaveLength(1);
  });

  test('the plan is changed with its version, and only into a folder that is there', async () => {
    const fields = { enabled: true, atTime: '04:30', folder: dataDir, keep: 3, verify: false, maxAgeH: null };
    expect((await ask('PUT', '/backups/plan', fields)).status).toBe(428);
    expect((await ask('PUT', '/backups/plan', fields, '"9"')).status).toBe(412);
    for (const folder of ['backups', '/../etc', join(dataDir, 'none')])
      expect((await ask('PUT', '/backups/plan', { ...fields, folder }, '"1"')).status).toBe(400);
    expect((await ask('PUT', '/backups/plan', fields, '"1"')).body).toMatchObject({ atTime: '04:30', version: 2 });
  });

  test('the clock asks once a night', async () => {
    clock.advance(24 * 3600_000);
    await database.db('backup_plan').update({ at_time: '00:01', created_at: new Date('2026-01-01') });
    // 9 o'clock UTC is within twelve hours of midnight in the zones that tests run in.
    const due = isDue(await backupStore(database.db).plan(), null, clock.now());
    for (let i = 0; i < 2; i++) await handlers.get('backup.tick')!({});
    expect(queued).toHaveLength(due ? 1 : 0);
  });
});
