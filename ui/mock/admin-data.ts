// Configuration as the lists of the API answer it.
import { ago, DISPOSITIONS, id } from './data.ts';

type Row = { id: string } & Record<string, unknown>;
const row = (n: number, fields: Record<string, unknown>): Row => ({
  id: id(n),
  version: 1,
  createdAt: ago(9e5),
  updatedAt: ago(4e4),
  ...fields,
});

const QUEUES = ['Sales', 'Support', 'Cards and fraud', 'Mortgages', 'Business clients', 'Night line'];
const PEOPLE = ['Alice', 'Bob', 'Carol', 'Dario', 'Elif', 'Farid', 'Greta', 'Hugo'];
const SKILLS = ['English', 'German', 'French', 'Cards', 'Mortgages', 'Business'];

export const lists: Record<string, Row[]> = {
  reasons: ['Break', 'Lunch', 'Training', 'Meeting'].map((label, n) =>
    row(1100 + n, {
      code: label.toLowerCase(),
      label,
      paid: label !== 'Lunch',
      system: false,
      active: true,
      position: n * 10,
    }),
  ),
  dispositions: DISPOSITIONS.map((d, n) => row(1200 + n, { ...d, queueId: null, active: true, position: n * 10 })),
  queues: QUEUES.map((name, n) =>
    row(101 + n, {
      name,
      description: '',
      active: n !== 5,
      strategy: n === 2 ? 'most-skilled' : 'longest-idle',
      priority: n === 2 ? 8 : 5,
      answerWithinS: 20,
      serviceLevelTarget: 0.8,
      offerTimeoutS: 20,
      wrapUp: 'timed',
      wrapUpS: 30,
      skills: [],
      agents: [],
    }),
  ),
  users: PEOPLE.map((displayName, n) =>
    row(n + 1, {
      username: displayName.split(' ')[0]?.toLowerCase(),
      displayName,
      role: n === 7 ? 'supervisor' : 'agent',
      active: n !== 6,
      language: 'en',
      timeZone: 'Europe/Berlin',
      lastSignInAt: ago(n * 7777),
    }),
  ),
  skills: SKILLS.map((name, n) => row(1300 + n, { name, description: '' })),
  teams: ['North', 'Centre'].map((name, n) => row(1400 + n, { name, description: '' })),
  agents: PEOPLE.map((name, n) =>
    row(n + 1, {
      name,
      username: name.split(' ')[0]?.toLowerCase(),
      extension: String(1001 + n),
      teamId: id(1400 + (n % 2)),
      ringOn: n === 0 ? 'browser' : 'all',
      skills: SKILLS.flatMap((_, s) =>
        (n + s) % 3 === 0 ? [{ skillId: id(1300 + s), level: 1 + ((n * 3 + s) % 10) }] : [],
      ),
    }),
  ),
  phones: PEOPLE.map((_, n) =>
    row(1500 + n, {
      extension: String(1001 + n),
      label: n % 2 ? `Desk ${n + 1}` : `Headset ${n + 1}`,
      kind: n % 2 ? 'sip' : 'browser',
      agentId: id(n + 1),
      online: n !== 6 && n !== 3,
      reach: n % 2 === 0 || n === 6 ? null : n === 3 ? 'unreachable' : 'reachable',
      roundTripMs: n % 2 && n !== 3 ? 3.4 + n : null,
      unsolicitedMwi: false,
      registrations:
        n === 6 ? [] : [{ contact: `sip:1001@192.0.2.${n}`, userAgent: 'Yealink T54W', expiresAt: ago(-900) }],
    }),
  ),
  trunks: [
    row(1600, { name: 'lab', kind: 'address', host: '127.0.0.1', transport: 'udp', active: true, up: true }),
    row(1601, {
      name: 'carrier-b',
      kind: 'registration',
      host: 'sip.carrier.example',
      transport: 'tls',
      active: true,
      up: false,
    }),
  ],
  dids: [
    row(1700, { number: '+15550100', name: 'Main line', flowId: id(1800), queueId: null }),
    row(1701, { number: '+15550101', name: 'Sales', flowId: null, queueId: id(101) }),
    row(1702, { number: '+15550102', name: 'Support', flowId: null, queueId: id(102) }),
  ],
  flows: [
    row(1800, { name: 'Main line', description: 'Greeting and menu', publishedVersionId: id(55) }),
    row(1801, { name: 'Holidays', description: null, publishedVersionId: null }),
  ],
  'recording-rules': [
    row(2100, {
      name: 'Everything on Sales',
      queueId: id(101),
      trunkId: null,
      agentId: null,
      mode: 'always',
      percent: 100,
      active: true,
      position: 0,
    }),
  ],
  hours: [
    row(1900, {
      name: 'Office',
      timeZone: 'Europe/Berlin',
      weekly: [1, 2, 3, 4, 5].map((day) => ({ day, from: '08:00', to: '18:00' })),
      holidays: [{ date: '2026-12-25', name: 'Christmas' }],
    }),
  ],
  prompts: [
    row(2000, { name: 'greeting.main', kind: 'speech', language: 'en', durationS: 5.2 }),
    row(2001, { name: 'music.hold', kind: 'music', language: null, durationS: 92 }),
  ],
  audit: Array.from({ length: 40 }, (_, n) =>
    row(3000 + n, {
      seq: 400 - n,
      at: ago(n * 911),
      actor: n % 3 ? 'admin' : 'sam',
      address: '192.0.2.7',
      action: ['queue.updated', 'session.created', 'recording.played', 'user.created'][n % 4],
      entity: ['queue', 'session', 'recording', 'user'][n % 4],
      entityId: id(101 + n),
      details: { from: { priority: 5 }, to: { priority: 7 } },
    }),
  ),
};
