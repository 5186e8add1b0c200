import { describe, expect, it } from 'vitest';
import { ApiError } from '#lib/api/client.ts';
import { type Applied, applyRows, type Box, takeBack } from './apply.ts';
import { readCsv } from './csv.ts';
import { type Existing, planImport } from './plan.ts';

/** A box with one user. */
function box() {
  const users = new Map<string, { version: number } & Record<string, unknown>>([
    ['u1', { version: 3, username: 'anna', displayName: 'Anna', role: 'agent' }],
  ]);
  const check = (id: string, version: number) => {
    const one = users.get(id);
    if (!one || one.version !== version) throw new ApiError(412, 'stale', 'changed meanwhile');
    return one;
  };
  const api: Box = {
    async create(fields) {
      if (fields.username === 'taken') throw new ApiError(409, 'taken', 'There is one already');
      const id = `new-${String(fields.username)}`;
      users.set(id, { ...fields, version: 1 });
      return { id, version: 1 };
    },
    async change(id, fields, version) {
      const now = { ...check(id, version), ...fields, version: version + 1 };
      users.set(id, now);
      return now;
    },
    async remove(id, version) {
      check(id, version);
      users.delete(id);
    },
  };
  return { users, api };
}
const FILE = 'username,displayName,role\nanna,Anna B,supervisor\nbert,Bert,agent\ntaken,Taken,agent\n';
const plan = (users: ReturnType<typeof box>['users']) =>
  planImport(
    'users',
    readCsv(FILE),
    [...users].map(([id, user]) => ({ id, ...user }) as Existing),
    { flows: new Map(), queues: new Map() },
  );

describe('an import that is applied', () => {
  it('tells each row, goes on after a refusal, and can be taken back whole', async () => {
    const { users, api } = box();
    const told = new Map<number, unknown>();
    const applied = await applyRows(plan(users), api, (line, refusal) => void told.set(line, refusal));
    expect(
      [...told].toSorted(([a], [b]) => a - b).map(([line, refusal]) => [line, refusal instanceof ApiError]),
    ).toEqual([
      [2, false],
      [3, false],
      [4, true],
    ]);
    expect(users.get('u1')).toMatchObject({ displayName: 'Anna B', role: 'supervisor' });
    await takeBack(applied, api, () => {});
    expect([...users.values()]).toMatchObject([{ username: 'anna', displayName: 'Anna', role: 'agent' }]);
  });

  it('does not take back what somebody has changed since', async () => {
    const { users, api } = box();
    const applied = await applyRows(plan(users), api, () => {});
    await api.change('u1', { displayName: 'Anna C' }, 4);
    const refused: number[] = [];
    await takeBack(applied, api, (line, refusal) => refusal !== undefined && refused.push(line));
    expect(refused).toEqual([2]);
    expect(users.get('u1')).toMatchObject({ displayName: 'Anna C' });
  });

  it('stops when it is told to, and what was done can be taken back', async () => {
    const { users, api } = box();
    const many = `username,displayName\n${Array.from({ length: 100 }, (_, i) => `user${i},User ${i}`).join('\n')}`;
    const rows = planImport('users', readCsv(many), [], { flows: new Map(), queues: new Map() });
    let count = 0;
    const applied: Applied[] = await applyRows(
      rows,
      api,
      () => void count++,
      () => count >= 10,
    );
    expect(applied.length).toBeLessThan(20);
    await takeBack(applied, api, () => {});
    expect(users.size).toBe(1);
  });
});
