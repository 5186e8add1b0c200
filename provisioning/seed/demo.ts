import { randomInt } from 'node:crypto';
import type { FlowDocumentInput } from '#appliance/contract/flow.ts';
import type { Role } from '#appliance/contract/identity.ts';
import { createFlowAdmin, createPrompts, makeDefaultPrompts } from '#appliance/flows/index.ts';
import { systemClock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { SIP_REALM } from '#appliance/roles/sip-realm.ts';
import { createSecurity } from '#appliance/security/index.ts';
import { createPhoneStore, createPhones } from '#appliance/telephony/phones/index.ts';
import { createTrunkStore } from '#appliance/telephony/trunks/index.ts';
import type { FirstRun, SeedContext } from './context.ts';

const PEOPLE: { username: string; name: string; role: Role; extension?: string; phone?: 'browser' | 'sip' }[] = [
  { username: 'admin', name: 'Admin', role: 'admin' },
  { username: 'sam', name: 'Sam', role: 'supervisor', extension: '1010', phone: 'browser' },
  { username: 'alice', name: 'Alice', role: 'agent', extension: '1001', phone: 'browser' },
  { username: 'bob', name: 'Bob', role: 'agent', extension: '1002', phone: 'sip' },
  { username: 'carol', name: 'Carol', role: 'agent', extension: '1003', phone: 'sip' },
];
const QUEUES = ['Sales', 'Support'];
const DIDS = { main: '+15550100', sales: '+15550101', support: '+15550102' };
const DISPOSITIONS: [code: string, label: string][] = [
  ['solved', 'Solved'],
  ['follow-up', 'Follow-up needed'],
  ['wrong-number', 'Wrong number'],
  ['no-interest', 'No interest'],
];

/** A small contact center to try things on. Every step finds what an interrupted first start has left. */
export async function seedDemo({ config, db, log, secrets, say }: SeedContext): Promise<FirstRun> {
  const bus = memoryBus();
  const clock = systemClock;
  const security = createSecurity({ db, bus, secrets, clock, log });
  const phones = createPhones({ store: createPhoneStore(db), clock, log, realm: SIP_REALM });
  const prompts = createPrompts({ db, dir: config.paths.prompts, log });

  say('speaking the standard prompts in English and German');
  await makeDefaultPrompts(prompts);

  const [team] = await db('team')
    .insert({ id: uuidv7(), name: 'Front desk' })
    .onConflict('name')
    .merge(['name'])
    .returning('id');
  const users: FirstRun['users'] = {};
  const agentIds: string[] = [];
  for (const person of PEOPLE) {
    const password = makePassword();
    const known = await db('app_user').where({ username: person.username }).first('id');
    if (known) await security.users.resetPassword(person.username, password);
    const id: string =
      known?.id ??
      (
        await security.users.create({
          username: person.username,
          displayName: person.name,
          role: person.role,
          password,
        })
      ).id;
    users[person.username] = { password };
    if (!person.extension) continue;
    await db('agent').insert({ id, extension: person.extension, team_id: team.id }).onConflict('id').ignore();
    if (person.role === 'agent') agentIds.push(id);
    const [mine] = await createPhoneStore(db).ofAgent(id);
    const line = mine
      ? await phones.rotate(mine.id)
      : await phones.create({
          label: person.phone === 'browser' ? `${person.name}'s browser` : `${person.name}'s desk phone`,
          kind: person.phone!,
          extension: person.extension,
          agentId: id,
          username: person.extension,
        });
    users[person.username] = {
      password,
      extension: person.extension,
      ...(person.phone === 'sip' ? { sipPassword: line.password } : {}),
    };
  }

  const queueIds: Record<string, string> = {};
  for (const name of QUEUES) {
    const [queue] = await db('queue').insert({ id: uuidv7(), name }).onConflict('name').merge(['name']).returning('id');
    queueIds[name] = queue.id;
    for (const agentId of agentIds)
      await db('queue_agent')
        .insert({ queue_id: queue.id, agent_id: agentId })
        .onConflict(['queue_id', 'agent_id'])
        .ignore();
  }
  for (const [position, [code, label]] of DISPOSITIONS.entries()) {
    const known = await db('disposition').where({ code }).first('id');
    if (!known) await db('disposition').insert({ id: uuidv7(), code, label, position });
  }

  await db('recording_rule').insert({ id: uuidv7(), name: 'Every call', mode: 'always' }).onConflict('name').ignore();

  const flows = createFlowAdmin({
    db,
    prompts,
    references: {
      queues: async () => Object.entries(queueIds).map(([name, id]) => ({ id, name })),
      skills: async () => [],
    },
  });
  const existing = await flows.store.find('Main line');
  const flow =
    existing ??
    (await flows.store.flows.create({
      name: 'Main line',
      description: 'Greeting and menu',
      draft: mainLine(queueIds),
    }));
  if (!flow.publishedVersionId) await flows.publish(flow.id, { version: undefined, note: 'Demo', by: null });

  const wanted = [
    { number: DIDS.main, name: 'Main line', flowId: flow.id, queueId: null },
    { number: DIDS.sales, name: 'Sales', flowId: null, queueId: queueIds.Sales! },
    { number: DIDS.support, name: 'Support', flowId: null, queueId: queueIds.Support! },
  ];
  for (const did of wanted) {
    if (!(await db('did').where({ number: did.number }).first('id')))
      await flows.store.dids.create({ ...did, language: 'en' });
  }

  const trunks = createTrunkStore(db);
  if ((await trunks.list({ limit: 1 })).items.length === 0) {
    await trunks.create({
      name: 'lab',
      kind: 'address',
      host: '127.0.0.1',
      port: 5190,
      transport: 'udp',
      addresses: ['127.0.0.0/8', '::1/128'],
      country: config.country,
      callerId: { mode: 'fixed', number: DIDS.main },
      codecs: ['PCMA', 'PCMU'],
      optionsIntervalS: 0,
      enabled: true,
      position: 1,
    });
  }
  await security.close();
  return {
    url: `https://${config.host}:${config.httpsPort}`,
    users,
    trunk: { host: '127.0.0.1', port: config.sipPort },
    dids: DIDS,
  };
}

/** Greeting; 1 Sales, 2 Support; 15 s without a digit leads to Support. */
function mainLine(queues: Record<string, string>): FlowDocumentInput {
  return {
    schema: 1,
    language: 'en',
    start: 'answer',
    steps: {
      answer: { type: 'answer', next: 'greeting' },
      greeting: { type: 'play', say: [{ prompt: 'greeting' }], next: 'menu' },
      menu: {
        type: 'menu',
        say: [{ prompt: 'menu.main' }],
        sorry: [{ prompt: 'menu.invalid' }],
        choices: { '1': 'sales', '2': 'support' },
        timeoutS: 15,
        retries: 0,
        timeout: 'support',
        invalid: 'support',
      },
      sales: {
        type: 'queue',
        queueId: queues.Sales!,
        announce: { position: true, estimatedWait: true },
        refused: 'bye',
      },
      support: {
        type: 'queue',
        queueId: queues.Support!,
        announce: { position: true, estimatedWait: true },
        refused: 'bye',
      },
      bye: { type: 'play', say: [{ prompt: 'unavailable' }], next: 'end' },
      end: { type: 'hangup' },
    },
  };
}

/** Sixteen letters and digits that nobody confuses, in groups. */
function makePassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
  return Array.from(
    { length: 16 },
    (_, i) => (i > 0 && i % 4 === 0 ? '-' : '') + alphabet[randomInt(alphabet.length)],
  ).join('');
}
