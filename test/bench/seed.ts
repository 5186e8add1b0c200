import { createFlowAdmin, createPrompts, makeDefaultPrompts } from '#appliance/flows/index.ts';
import { systemClock } from '#appliance/kernel/clock.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { memoryBus } from '#appliance/platform/bus/index.ts';
import { SIP_REALM } from '#appliance/roles/sip-realm.ts';
import { createPhoneStore, createPhones } from '#appliance/telephony/phones/index.ts';
import { createTrunkStore } from '#appliance/telephony/trunks/index.ts';
import type { FirstRun, SeedContext } from '#provisioning/seed/index.ts';
import { flowOf, type Line } from './flows.ts';

export interface Floor {
  agents: number;
  agentAddress: { host: string; port: number };
}

/** Queues by the user part that leads into them; `salesrec` is recorded. */
const QUEUES = { sales: 'Sales', salesrec: 'Sales, recorded' } as const;
const LINES: Line[] = ['answer', 'prompt', 'sales', 'salesrec'];
const TONE_S = 0.5;

/** A floor of agents at desk phones with a fixed address, and one trunk from which everybody may call. */
export async function seedFloor({ config, db, log, say }: SeedContext, floor: Floor): Promise<FirstRun> {
  const bus = memoryBus();
  const phones = createPhones({ store: createPhoneStore(db), clock: systemClock, log, realm: SIP_REALM });
  const prompts = createPrompts({ db, dir: config.paths.prompts, log });
  say('speaking the standard prompts');
  await makeDefaultPrompts(prompts);
  const tone = await prompts.files.keep(Int16Array.from({ length: 8000 * TONE_S }, (_, n) => 6000 * Math.sin(n / 3)));
  await prompts.store.addMissing([
    { name: 'bench', language: '*', text: null, source: 'upload', media: tone, durationS: TONE_S },
  ]);
  await prompts.load();

  const queues: Record<string, string> = {};
  for (const [line, name] of Object.entries(QUEUES)) {
    const id = uuidv7();
    queues[line] = id;
    await db('queue').insert({ id, name, wrap_up: 'none', offer_timeout_s: 30, rona_limit: 20 });
    if (line === 'salesrec') await db('recording_rule').insert({ id: uuidv7(), name, queue_id: id, mode: 'always' });
  }
  for (let n = 1; n <= floor.agents; n++) {
    const id = uuidv7();
    const username = `agent${String(n).padStart(3, '0')}`;
    await db('app_user').insert({ id, username, display_name: `Agent ${n}`, role: 'agent' });
    await db('agent').insert({ id, extension: String(1000 + n) });
    await db('presence').insert({ agent_id: id, state: 'ready', since: new Date() });
    for (const queue_id of Object.values(queues)) await db('queue_agent').insert({ queue_id, agent_id: id });
    await phones.create({
      label: `Agent ${n}`,
      kind: 'fixed',
      agentId: id,
      username,
      extension: String(1000 + n),
      fixedHost: floor.agentAddress.host,
      fixedPort: floor.agentAddress.port,
    });
  }

  const flows = createFlowAdmin({
    db,
    prompts,
    references: {
      queues: async () => Object.entries(QUEUES).map(([line, name]) => ({ id: queues[line]!, name })),
      skills: async () => [],
    },
  });
  for (const line of LINES) {
    const flow = await flows.store.flows.create({ name: line, description: '', draft: flowOf(line, queues) });
    await flows.publish(flow.id, { version: undefined, note: 'Bench', by: null });
    await flows.store.dids.create({ number: line, name: line, flowId: flow.id, queueId: null, language: 'en' });
  }
  await createTrunkStore(db).create({
    name: 'callers',
    kind: 'address',
    host: '127.0.0.1',
    transport: 'udp',
    addresses: ['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
    country: config.country,
    codecs: ['PCMA', 'PCMU'],
    optionsIntervalS: 0,
    enabled: true,
    position: 1,
  });
  await bus.close();
  return {
    url: `https://${config.host}:${config.httpsPort}`,
    users: {},
    trunk: { host: '127.0.0.1', port: config.sipPort },
    dids: { main: 'answer', sales: 'sales', support: 'prompt' },
  };
}
