import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FlowDocumentInput } from '#appliance/contract/flow.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { type Batch, createBatch } from '#appliance/platform/postgres/index.ts';
import { type TestDatabase, testDatabase } from '#test/support/database.ts';
import { DigitInput } from './digits.ts';
import { createFlowAdmin, type FlowAdmin } from './flow-admin.ts';
import { createFlows, type Flows } from './flows.ts';
import type { FlowHost } from './host.ts';
import { createPrompts } from './prompts.ts';
import { createTextHost } from './text-host.ts';

let database: TestDatabase;
let batch: Batch;
let dir: string;
let admin: FlowAdmin;
let flows: Flows;
let payment: HttpServer;
let paymentHost: string;
let received: { url: string; headers: Record<string, unknown>; body: string }[] = [];
let answer: (url: string) => { status: number; body: string | Buffer; headers?: Record<string, string> } | undefined =
  () => ({ status: 200, body: '{}' });
const logLines: string[] = [];
const events: { interactionId: string; type: string; data: Record<string, unknown> }[] = [];
const bus = memoryBus();
const log = pino(
  { level: 'trace' },
  new Writable({
    write(chunk, _, done) {
      logLines.push(String(chunk));
      done();
    },
  }),
);

function build(): Flows {
  return createFlows({
    db: database.db,
    batch: createBatch(database.db, { log }),
    clock: new ManualClock(),
    log,
    bus,
    prompts: createPrompts({ db: database.db, dir, log }),
    secrets: { open: (sealed) => sealed },
    lookUpCustomer: async () => undefined,
    event: (interactionId, type, data) => void events.push({ interactionId, type, data }),
  });
}

beforeAll(async () => {
  database = await testDatabase();
  dir = mkdtempSync(join(tmpdir(), 'strongroom-flows-'));
  batch = createBatch(database.db, { log });
  admin = createFlowAdmin({
    db: database.db,
    prompts: createPrompts({ db: database.db, dir, log }),
    references: { queues: async () => [], skills: async () => [] },
  });
  payment = createHttpServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received.push({ url: request.url ?? '', headers: request.headers, body });
      const given = answer(request.url ?? '');
      if (!given) return; // stays silent
      response.writeHead(given.status, given.headers);
      response.end(given.body);
    });
  });
  await new Promise<void>((resolve) => payment.listen(26_010, '127.0.0.1', resolve));
  paymentHost = `127.0.0.1:${(payment.address() as AddressInfo).port}`;
  await admin.store.hosts.create({
    host: paymentHost,
    plainHttp: true,
    note: null,
    headersSealed: JSON.stringify({ authorization: 'Bearer key-of-the-box' }),
  });
  flows = build();
  await flows.load();
});
afterAll(async () => {
  flows.close();
  payment.closeAllConnections();
  payment.close();
  await batch.close();
  await database.close();
  rmSync(dir, { recursive: true, force: true });
});

const say = (text: string): FlowDocumentInput => ({
  schema: 1,
  start: 'answer',
  steps: { answer: { type: 'answer', next: 'say' }, say: { type: 'say', text, next: 'end' }, end: { type: 'hangup' } },
});

async function made(name: string, draft: FlowDocumentInput): Promise<string> {
  const { id } = await admin.store.flows.create({ name, description: null, draft });
  await admin.publish(id, { version: undefined, note: null, by: null });
  await flows.load();
  return id;
}

async function ran(flowId: string, options: { digits?: string[] } = {}): Promise<string[]> {
  const lines: string[] = [];
  await flows.start({
    interactionId: uuidv7(),
    flowId,
    host: createTextHost({ digits: options.digits ?? [], print: (line) => lines.push(line) }),
  });
  await flows.flushed();
  return lines;
}

/** Everything that the database holds, as text. */
async function dump(): Promise<string> {
  const { rows } = await database.db.raw(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'public'`,
  );
  const parts: string[] = [];
  for (const { name } of rows as { name: string }[]) {
    const content = await database.db.raw(`select coalesce(string_agg(t::text, E'\\n'), '') as text from ${name} t`);
    parts.push(content.rows[0].text);
  }
  return parts.join('\n');
}

describe('versions of a flow', () => {
  it('serves new calls with what was published last, and can be taken back', async () => {
    const id = await made('Greeting', say('one'));
    expect(await ran(id)).toContain('says   "one"');
    let row = await admin.existing('greet');
    await admin.saveDraft(id, row.version, say('two'));
    expect(await ran(id)).toContain('says   "one"');
    const second = await admin.publish(id, { version: undefined, note: 'friendlier', by: null });
    expect(second.number).toBe(2);
    await flows.load();
    expect(await ran(id)).toContain('says   "two"');
    await admin.rollBack(id, 1, undefined);
    await flows.load();
    expect(await ran(id)).toContain('says   "one"');
    row = await admin.existing(id);
    expect((row.draft as { steps: { say: unknown } }).steps.say).toMatchObject({ text: 'two' });
    expect((await admin.store.versions(id)).map(({ number }) => number)).toEqual([2, 1]);
    expect((await admin.diff(id, 1, 'draft')).changed).toEqual([{ step: 'say', path: 'text', from: 'one', to: 'two' }]);
  });

  it('publishes nothing that is broken, and no draft that somebody changed meanwhile', async () => {
    const { id } = await admin.store.flows.create({
      name: 'Broken',
      description: null,
      draft: { schema: 1, start: 'x', steps: {} },
    });
    await expect(admin.publish(id, { version: undefined, note: null, by: null })).rejects.toMatchObject({
      kind: 'invalid',
      code: 'flow-invalid',
      details: { problems: [{ code: 'start-unknown' }] },
    });
    await admin.saveDraft(id, 1, say('good'));
    await expect(admin.publish(id, { version: 1, note: null, by: null })).rejects.toMatchObject({
      kind: 'conflict',
      code: 'stale',
    });
    await expect(admin.saveDraft(id, 2, { text: 'x'.repeat(600_000) })).rejects.toMatchObject({ code: 'too-large' });
  });

  it('follows changes told on the bus', async () => {
    const { id } = await admin.store.flows.create({ name: 'Later', description: null, draft: say('hello') });
    await admin.publish(id, { version: undefined, note: null, by: null });
    expect(flows.published(id)).toBeUndefined();
    bus.publish({ type: 'config.changed', entity: 'flow', id });
    await expect.poll(() => flows.published(id)?.number).toBe(1);
  });

  it('resumes a call where it was, on the version it began with', async () => {
    const id = await made('Resumed', {
      schema: 1,
      start: 'answer',
      steps: {
        answer: { type: 'answer', next: 'ask' },
        ask: { type: 'gather', variable: 'account', max: 3, next: 'menu', timeout: 'menu' },
        menu: { type: 'menu', say: [{ text: 'old {{account}}' }], choices: { 1: 'end' }, timeout: 'end' },
        end: { type: 'hangup' },
      },
    });
    const interactionId = uuidv7();
    const clock = new ManualClock();
    const digits = new DigitInput(clock);
    const host: FlowHost = {
      ...createTextHost({ digits: [], print: () => {} }),
      play: async () => 'finished',
      gather: (options) => digits.gather(options),
    };
    void flows.start({ interactionId, flowId: id, host });
    for (const digit of '123') digits.push(digit);
    await expect
      .poll(async () => (await database.db('flow_run').where({ interaction_id: interactionId }).first())?.step)
      .toBe('menu');

    await admin.saveDraft(id, (await admin.existing(id)).version, say('new'));
    await admin.publish(id, { version: undefined, note: null, by: null });
    const after = build();
    await after.load();
    const lines: string[] = [];
    const outcome = await after.resume(
      interactionId,
      createTextHost({ digits: ['1'], print: (line) => lines.push(line) }),
    );
    expect(outcome).toEqual({ end: 'hung-up', step: 'end', detail: 'normal' });
    expect(lines).toEqual(['language en', 'says   "old 123"', 'hears  1', 'hang up (normal)']);
    await after.flushed();
    const row = await database.db('flow_run').where({ interaction_id: interactionId }).first();
    expect(row).toMatchObject({ outcome: 'hung-up', variables: {} });
    expect(await after.resume(interactionId, host)).toBeUndefined();
    expect(events.filter((event) => event.interactionId === interactionId).map(({ type }) => type)).toContain(
      'flow-resumed',
    );
    after.close();
  });
});

describe('runs that nobody ended', () => {
  it('lose their variables after two days and go after a month', async () => {
    const run = (days: number, outcome: string | null) => ({
      id: uuidv7(),
      interaction_id: uuidv7(),
      flow_version_id: uuidv7(),
      step: 'x',
      steps: 1,
      language: 'en',
      variables: JSON.stringify({ account: 'A-17' }),
      outcome,
      started_at: new Date(),
      updated_at: new Date(Date.now() - days * 86_400_000),
    });
    const [fresh, stale, old] = [run(1, null), run(3, null), run(31, 'gone')];
    await database.db('flow_run').insert([fresh, stale, old]);
    await admin.store.sweepRuns(new Date());
    const kept = (id: string) => database.db('flow_run').where({ id }).first('outcome', 'variables');
    expect(await kept(fresh.id)).toEqual({ outcome: null, variables: { account: 'A-17' } });
    expect(await kept(stale.id)).toEqual({ outcome: 'gone', variables: {} });
    expect(await kept(old.id)).toBeUndefined();
  });
});

describe('http steps', () => {
  const ask = (url: string, more: object = {}): FlowDocumentInput => ({
    schema: 1,
    start: 'ask',
    steps: {
      ask: {
        type: 'http',
        method: 'POST',
        url,
        body: { from: '{{call.from}}' },
        timeoutS: 0.3,
        maxBytes: 1000,
        result: { name: 'name' },
        next: 'good',
        error: 'bad',
        ...more,
      },
      good: { type: 'hangup' },
      bad: { type: 'hangup', cause: 'unavailable' },
    },
  });

  it('send their body with the secret headers of the host', async () => {
    received = [];
    answer = () => ({ status: 200, body: '{"name":"Ada"}' });
    expect(await ran(await made('Asks', ask(`http://${paymentHost}/a`)))).toContain('hang up (normal)');
    expect(received[0]).toMatchObject({
      url: '/a',
      body: '{"from":null}',
      headers: { authorization: 'Bearer key-of-the-box', 'content-type': 'application/json' },
    });
  });

  it.each<[string, ReturnType<typeof answer>]>([
    ['an error status', { status: 500, body: '' }],
    ['a redirect', { status: 302, body: '', headers: { location: 'http://127.0.0.1:1/' } }],
    ['an endless answer', { status: 200, body: Buffer.alloc(100_000) }],
    ['silence', undefined],
  ])('take the error edge on %s', async (name, given) => {
    answer = () => given;
    expect(await ran(await made(`Asks ${name}`, ask(`http://${paymentHost}/b`)))).toContain('hang up (unavailable)');
  });

  it('cannot leave the hosts that are allowed', async () => {
    await expect(made('Asks elsewhere', ask('http://127.0.0.1:26011/'))).rejects.toMatchObject({
      code: 'flow-invalid',
    });
  });
});

describe('secure digits', () => {
  it('reach the payment service and are nowhere else: not in the database, not in the log, not in the trace', async () => {
    received = [];
    answer = () => ({ status: 200, body: JSON.stringify({ receipt: 'R-1', echo: '4111-1111-1111-1111' }) });
    const card = '4111111111111111';
    const id = await made('Pays', {
      schema: 1,
      start: 'answer',
      steps: {
        answer: { type: 'answer', next: 'card' },
        card: {
          type: 'secure',
          say: [{ text: 'Card number' }],
          variable: 'card',
          min: 12,
          max: 19,
          checkDigit: true,
          handTo: 'pay',
          next: 'wait',
          failed: 'end',
        },
        wait: { type: 'say', text: 'One moment', next: 'pay' },
        pay: {
          type: 'http',
          method: 'POST',
          url: `http://${paymentHost}/pay`,
          headers: { 'X-Card': '{{secure.card}}' },
          body: 'pan={{secure.card}}',
          result: { receipt: 'receipt', echo: 'echo' },
          next: 'thanks',
          error: 'end',
        },
        thanks: { type: 'say', text: 'Receipt {{receipt}} {{echo}}', next: 'end' },
        end: { type: 'hangup' },
      },
    });
    const lines = await ran(id, { digits: [`${card}#`] });
    expect(received).toMatchObject([{ url: '/pay', body: `pan=${card}`, headers: { 'x-card': card } }]);
    expect(lines).toContain('says   "Receipt R-1 ****"');
    // A failing service must not make the digits appear either.
    answer = () => undefined;
    await ran(id, { digits: [`${card}#`] });

    const everything = [await dump(), logLines.join(''), JSON.stringify(events), lines.join('\n')].join('\n');
    expect(everything).toContain('Pays');
    expect(everything.replace(/[^0-9]/g, '')).not.toContain(card);
    // Ids and times are full of digits of their own.
    const told = everything.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{2}:\d{2}:\d{2}\.\d+/g, '');
    expect(told).not.toContain(card.slice(0, 6));
    expect(told).not.toContain(card.slice(-6));
  });
});
