import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeAudit, fakeGatekeeper, tokenOf } from '#appliance/http/fake-gatekeeper.ts';
import { createServer } from '#appliance/http/server.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { createAlarms } from './alarms.ts';
import { helpRoutes } from './help-routes.ts';
import { messageRoutes } from './message-routes.ts';
import { createMessages } from './messages.ts';

describe('between desks', () => {
  let database: TestDatabase;
  let server: Awaited<ReturnType<typeof createServer>>;
  let alarms: ReturnType<typeof createAlarms>;
  let messages: ReturnType<typeof createMessages>;
  const bus = memoryBus();
  const clock = new ManualClock();
  const ann = '00000000-0000-7000-8000-000000000002'; // who holds the agent's token
  const sam = uuidv7();

  beforeAll(async () => {
    database = await testDatabase();
    const { db } = database;
    await db('app_user').insert({ id: ann, username: 'ann', display_name: 'Ann', role: 'agent' });
    await db('app_user').insert({ id: sam, username: 'sam', display_name: 'Sam', role: 'supervisor' });
    alarms = createAlarms({ db, bus, clock });
    messages = createMessages({ db, bus, clock });
    server = await createServer({ log: silentLog, gatekeeper: fakeGatekeeper(() => true), audit: fakeAudit(), bus });
    helpRoutes(server, { alarms, bus, nameOf: () => 'Ann' });
    messageRoutes(server, { messages });
  });
  afterAll(async () => {
    await server.stop();
    await database.close();
  });

  async function ask(method: string, path: string, payload?: object) {
    const answer = await server.inject({
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${tokenOf('agent')}` },
      ...(payload && { payload }),
    });
    return { status: answer.statusCode, body: answer.payload ? JSON.parse(answer.payload) : undefined };
  }

  it('a call for help says who asks and about which call, and ends with the call', async () => {
    const interactionId = uuidv7();
    expect((await ask('POST', `/calls/${interactionId}/help`, {})).status).toBe(204);
    const [alarm] = await alarms.open();
    expect(alarm).toMatchObject({
      kind: 'help.asked',
      text: 'Ann asks for help with a call',
      about: { agentId: ann, interactionId },
    });
    await alarms.acknowledge(alarm!.id, { username: 'sam' });
    expect((await ask('GET', `/calls/${interactionId}/help`)).body).toMatchObject({
      asked: true,
      acknowledgedBy: 'sam',
    });
    const cleared = new Promise((resolve) =>
      bus.subscribe((event) => event.type === 'alarm.changed' && resolve(event)),
    );
    bus.publish({
      type: 'interaction.changed',
      interactionId,
      state: 'wrap-up',
      queueId: null,
      agentId: ann,
      channel: 'voice',
    });
    await cleared;
    expect(await alarms.open()).toEqual([]);
  });

  it('nobody withdraws the help that somebody else asked for', async () => {
    const interactionId = uuidv7();
    await alarms.raise({
      kind: 'help.asked',
      subject: interactionId,
      severity: 'warning',
      text: 'Ben asks',
      data: { agentId: sam, interactionId },
    });
    expect((await ask('DELETE', `/calls/${interactionId}/help`)).status).toBe(403);
    await alarms.clear('help.asked', interactionId);
  });

  it('a note waits for its reader until it is read, and not for days', async () => {
    const { body } = await ask('POST', `/users/${sam}/messages`, { text: 'Back in five' });
    expect(await messages.unread(sam)).toMatchObject([{ id: body.id, fromName: 'Ann', text: 'Back in five' }]);
    await messages.read(ann, body.id);
    expect(await messages.unread(sam)).toHaveLength(1);
    clock.advance(13 * 3_600_000);
    expect(await messages.unread(sam)).toEqual([]);
    await messages.read(sam, body.id);
    expect((await ask('POST', `/users/${uuidv7()}/messages`, { text: 'x' })).status).toBe(404);
    expect((await ask('POST', `/users/${sam}/messages`, { text: '' })).status).toBe(400);
  });

  it('a desk is not buried under notes', async () => {
    for (let index = 0; index < 50; index += 1) await messages.send(ann, sam, `note ${index}`);
    await expect(messages.send(ann, sam, 'one more')).rejects.toMatchObject({ code: 'messages-unread' });
  });
});
