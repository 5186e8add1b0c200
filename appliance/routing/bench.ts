// node appliance/routing/bench.ts: decisions per second of the floor with 5,000 waiting and 1,000 agents.
// One decision: an agent becomes free, the best waiting interaction is found and taken out of the line, and another arrives.
import type { AgentRow } from '#appliance/agents/index.ts';
import { Floor } from './floor.ts';
import type { Entry } from './line.ts';
import type { QueueConfig } from './types.ts';

const WAITING = 5000;
const AGENTS = 1000;
const QUEUES = 20;
const SKILLS = 10;
const seconds = Number(process.argv[2] ?? 5);

let seed = 42;
function random(below: number): number {
  seed = (seed * 1103515245 + 12345) & 0x7fffffff;
  return seed % below;
}

const agents: AgentRow[] = Array.from({ length: AGENTS }, (_, index) => ({
  id: `agent-${String(index).padStart(4, '0')}`,
  username: '',
  name: '',
  active: true,
  extension: null,
  teamId: null,
  teamName: null,
  capacity: { voice: 1, chat: 3 },
  interrupts: {},
  ringOn: 'all',
  ringNumber: null,
  ringPattern: null,
  forwarding: null,
  todayUntil: null,
  skills: Object.fromEntries(Array.from({ length: 4 }, () => [`skill-${random(SKILLS)}`, 1 + random(10)])),
}));
const queues: QueueConfig[] = Array.from({ length: QUEUES }, (_, index) => ({
  id: `queue-${index}`,
  name: `Queue ${index}`,
  active: true,
  strategy: 'longest-idle',
  priority: 5,
  ageingS: 60,
  answerWithinS: 20,
  offerTimeoutS: 20,
  ronaLimit: 1,
  lastAgentWaitS: 0,
  maxWaiting: null,
  maxWaitS: null,
  overflow: [],
  hoursId: null,
  wrapUp: 'none',
  wrapUpS: 30,
  wrapUpExtensionS: 0,
  afterWrapUp: 'ready',
  dispositionRequired: false,
  announcements: {},
  recordingRuleId: null,
  distinctiveRing: null,
  callbackAttempts: 3,
  callbackIntervalS: 900,
  skills: index % 2 === 0 ? [] : [{ skillId: `skill-${index % SKILLS}`, minLevel: 1 + (index % 5) }],
  relaxations: [],
  // Everybody serves five queues.
  members: agents
    .filter((_, agent) => (agent + index) % 4 === 0)
    .map(({ id }, position) => ({ agentId: id, position: 1 + (position % 3) })),
}));

const floor = new Floor();
floor.openChannel('voice');
let now = 1_000_000_000;
floor.configure(queues, agents, now);
let made = 0;
function arrive(): void {
  const queueId = `queue-${random(QUEUES)}`;
  const extra = random(10) === 0 ? [{ skillId: `skill-${random(SKILLS)}`, minLevel: 1 + random(5) }] : [];
  const entry: Entry = {
    id: `entry-${String(made).padStart(9, '0')}`,
    interactionId: `interaction-${made++}`,
    queueId,
    channel: 'voice',
    priority: random(11),
    skills: extra,
    preferredAgentId: null,
    from: '',
    customer: null,
    enqueuedAt: now,
    enteredAt: now,
    hops: 0,
    rank: 0,
    need: { key: '', skills: [] },
    reservedFor: null,
    reservedUntil: 0,
    state: 'waiting',
    avoid: undefined,
  };
  floor.join(entry, now);
}
for (let index = 0; index < WAITING; index++, now += 10) arrive();

const desks = [...floor.desks.values()];
const times: number[] = [];
let taken = 0;
const begun = process.hrtime.bigint();
const until = begun + BigInt(Math.round(seconds * 1e9));
while (process.hrtime.bigint() < until) {
  const desk = desks[random(AGENTS)]!;
  const from = process.hrtime.bigint();
  desk.presence = { state: 'ready', reason: null, pending: null };
  floor.refresh(desk);
  const entry = floor.entryFor(desk, now);
  if (entry) {
    floor.hold(entry);
    floor.asked(desk);
    floor.leave(entry);
    taken++;
  }
  desk.presence = { state: 'not-ready', reason: null, pending: null };
  floor.refresh(desk);
  times.push(Number(process.hrtime.bigint() - from));
  now += 10;
  if (entry) arrive();
}
const wall = Number(process.hrtime.bigint() - begun) / 1e9;
const spent = times.reduce((sum, ns) => sum + ns, 0) / 1e9;
times.sort((a, b) => a - b);
const at = (share: number) => (times[Math.floor(times.length * share)]! / 1e6).toFixed(4);
console.log(`waiting ${WAITING}, agents ${AGENTS}, queues ${QUEUES}`);
console.log(
  `decisions ${times.length} (${taken} with an interaction), ${Math.round(times.length / spent)} per second of work, ${Math.round(times.length / wall)} per second with arrivals`,
);
console.log(
  `milliseconds per decision: p50 ${at(0.5)}, p99 ${at(0.99)}, p99.9 ${at(0.999)}, most ${(times.at(-1)! / 1e6).toFixed(3)}`,
);
