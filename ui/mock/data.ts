// Invented people and numbers for the screenshots (numbers of the 555-01xx range).
import type { Alarm, MeLive } from '#appliance/contract/live.ts';
import type {
  AgentLive,
  InteractionTrace,
  InteractionView,
  OfferView,
  QueueFigures,
  QueueLive,
} from '#appliance/contract/work.ts';

export const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
export const id = (n: number): string => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`;

function figures(offered: number, abandoned: number, level: number | null): QueueFigures {
  const answered = Math.max(0, offered - abandoned - 2);
  return {
    offered,
    answered,
    answeredWithinS: Math.round(answered * (level ?? 0)),
    abandoned,
    shortAbandoned: Math.round(abandoned / 3),
    flowedOut: 0,
    serviceLevel: level,
    serviceLevelThresholdS: 20,
    serviceLevelTarget: 0.8,
    serviceLevelFormula: '',
    serviceLevelKind: 'without-abandons',
    abandonedWithinS: 1,
    from: new Date(new Date().setHours(0, 0, 0, 0)).toISOString(),
    to: new Date(new Date().setHours(24, 0, 0, 0)).toISOString(),
    averageSpeedOfAnswerS: level === null ? null : 34 * (1 - level) + 6,
    longestWaitS: 94,
    averageHandleS: level === null ? null : 241,
  };
}

const queue = (
  n: number,
  name: string,
  waiting: number,
  waitS: number,
  staff: [number, number, number],
  today: QueueFigures,
): QueueLive => ({
  id: id(100 + n),
  name,
  waiting,
  longestWaitS: waiting ? waitS : 0,
  longestSince: waiting ? ago(waitS) : null,
  active: staff[1],
  agentsReady: staff[0],
  agentsBusy: staff[1],
  agentsSignedIn: staff[2],
  estimatedWaitS: waiting ? waitS * 1.4 : 0,
  today,
});

export const queues = (): QueueLive[] => [
  queue(1, 'Sales', 4, 71, [0, 5, 6], figures(182, 14, 0.74)),
  queue(2, 'Support', 1, 9, [2, 6, 9], figures(341, 11, 0.89)),
  queue(3, 'Cards and fraud', 0, 0, [3, 1, 4], figures(57, 1, 0.96)),
  queue(4, 'Mortgages', 2, 15, [0, 2, 2], figures(38, 4, 0.81)),
  queue(5, 'Business clients', 0, 0, [1, 0, 1], figures(12, 0, 1)),
  queue(6, 'Night line', 0, 0, [0, 0, 0], figures(0, 0, null)),
];

const NAMES = ['Alice', 'Bob', 'Carol', 'Dario', 'Elif', 'Farid', 'Greta', 'Hugo', 'Ines', 'Jonas', 'Katri', 'Liam'];

export const agents = (): AgentLive[] =>
  NAMES.map((name, n) => {
    const kinds = [
      'idle',
      'busy',
      'busy',
      'wrap-up',
      'busy',
      'idle',
      'offered',
      'idle',
      'busy',
      'idle',
      'idle',
      'idle',
    ] as const;
    const activity = kinds[n] ?? 'idle';
    const away = n === 5 || n === 9;
    const off = n >= 10;
    return {
      id: id(n + 1),
      name,
      extension: String(1001 + n),
      teamId: null,
      teamName: n % 3 === 0 ? 'North' : 'Centre',
      presence: off ? 'offline' : away ? 'not-ready' : 'ready',
      reason: away ? (n === 5 ? 'Lunch' : 'Training') : null,
      since: ago(340 + n * 611),
      activity,
      activitySince: ago(22 + n * 47),
      work:
        activity === 'busy' || activity === 'wrap-up'
          ? [
              {
                interactionId: id(500 + n),
                channel: 'voice',
                queueName: n % 2 ? 'Support' : 'Sales',
                state: 'active',
                since: ago(22 + n * 47),
                from: `+1555010${n}`,
              },
            ]
          : [],
      phoneOnline: n !== 7,
    };
  });

export const alarms = (): Alarm[] => [
  {
    id: id(901),
    kind: 'recording-failed',
    severity: 'critical',
    text: 'A recording has no sound on the customer side (Sales, 10:42).',
    since: ago(500),
    acknowledgedBy: null,
  },
  {
    id: id(902),
    kind: 'trunk-down',
    severity: 'warning',
    text: 'Trunk "carrier-b" has not answered OPTIONS for 2 minutes.',
    since: ago(140),
    acknowledgedBy: null,
  },
];

export const offer = (): OfferView => ({
  id: id(700),
  interactionId: id(600),
  channel: 'voice',
  queueId: id(102),
  queueName: 'Support',
  agentId: id(1),
  agentName: 'Alice',
  from: '+15550142',
  customer: { id: id(801), name: 'Flower shop', known: true },
  waitedS: 38,
  offeredAt: ago(4),
  expiresAt: ago(-16),
  state: 'pending',
  endedAt: null,
});

export const DISPOSITIONS = [
  { code: 'solved', label: 'Solved' },
  { code: 'callback', label: 'Call back agreed' },
  { code: 'handed-on', label: 'Handed on' },
  { code: 'complaint', label: 'Complaint' },
  { code: 'wrong-number', label: 'Wrong number' },
];

export function workItem(state: 'active' | 'wrap-up', call: 'talking' | 'held' | null): MeLive['work'][number] {
  return {
    interactionId: id(600),
    channel: 'voice',
    state,
    queueId: id(102),
    queueName: 'Support',
    from: '+15550142',
    direction: 'in',
    customer: { id: id(801), name: 'Flower shop', known: true },
    since: ago(state === 'active' ? 143 : 12),
    wrapUpEndsAt: state === 'wrap-up' ? ago(-48) : null,
    dispositions: DISPOSITIONS,
    call: call
      ? {
          id: id(600),
          state: call,
          muted: false,
          recording: 'on',
          peer: '+15550142',
          since: ago(143),
          browser: false,
          lost: false,
        }
      : null,
  };
}

const CUSTOMERS = [
  'Flower shop',
  'Garden centre',
  null,
  'Town hall',
  'Music school',
  null,
  'Ferry office',
  'Book shop',
];

export const interactions = (): InteractionView[] =>
  Array.from({ length: 64 }, (_, n) => {
    const name = CUSTOMERS[n % CUSTOMERS.length] ?? null;
    const start = 260 + n * 413;
    const lost = n % 9 === 4;
    return {
      id: id(600 + n),
      channel: 'voice',
      direction: n % 7 === 3 ? 'out' : 'in',
      state: 'ended',
      from: `+1555${String(142 + ((n * 37) % 800)).padStart(4, '0')}`,
      to: '+15550100',
      customer: { id: id(801 + (n % CUSTOMERS.length)), name, known: name !== null },
      queueId: id(101 + (n % 3)),
      queueName: ['Sales', 'Support', 'Cards and fraud'][n % 3] ?? null,
      agentId: lost ? null : id(1 + (n % 8)),
      agentName: lost ? null : (NAMES[n % 8] ?? null),
      disposition: lost ? null : (DISPOSITIONS[n % DISPOSITIONS.length]?.label ?? null),
      notes:
        n % 4 === 0
          ? 'Asked for the status of the card that was sent last week; address checked, new one will be sent.'
          : null,
      createdAt: ago(start),
      answeredAt: lost ? null : ago(start - 26),
      endedAt: ago(start - 26 - 60 - ((n * 53) % 340)),
      endReason: lost ? 'abandoned' : 'completed',
    };
  });

export function trace(interactionId: string): InteractionTrace | undefined {
  const view = interactions().find((one) => one.id === interactionId);
  if (!view) return undefined;
  const t0 = Date.parse(view.createdAt);
  const at = (s: number) => new Date(t0 + s * 1000).toISOString();
  const endS = (Date.parse(view.endedAt ?? '') - t0) / 1000;
  const segment = (
    n: number,
    kind: InteractionTrace['segments'][number]['kind'],
    from: number,
    to: number,
    end: InteractionTrace['segments'][number]['end'],
  ) => ({
    id: id(5000 + n),
    kind,
    queueId: kind === 'queue' ? view.queueId : null,
    queueName: kind === 'queue' ? view.queueName : null,
    agentId: ['agent', 'hold', 'wrap-up'].includes(kind) ? view.agentId : null,
    agentName: ['agent', 'hold', 'wrap-up'].includes(kind) ? view.agentName : null,
    flowVersionId: kind === 'flow' ? id(55) : null,
    startedAt: at(from),
    endedAt: at(to),
    durationS: to - from,
    end,
  });
  return {
    ...view,
    segments: [
      segment(1, 'flow', 0, 9.2, 'queued'),
      segment(2, 'queue', 9.2, 26, 'answered'),
      segment(3, 'agent', 26, 60, 'hold'),
      segment(4, 'hold', 60, 74, 'resumed'),
      segment(5, 'agent', 74, endS, 'completed'),
      segment(6, 'wrap-up', endS, endS + 21, 'completed'),
    ],
    events: [
      { at: at(0), type: 'call.received', data: { trunk: 'lab', did: '+15550100' } },
      { at: at(1.1), type: 'flow.step', data: { step: 'greeting', type: 'play' } },
      { at: at(7.4), type: 'flow.digit', data: { step: 'menu', digit: '2' } },
      { at: at(26), type: 'recording.started', data: {} },
    ],
    offers: [
      {
        ...offer(),
        id: id(7001),
        state: 'timed-out',
        offeredAt: at(9.3),
        expiresAt: at(19.3),
        endedAt: at(19.3),
        agentName: 'Carol',
      },
      {
        ...offer(),
        id: id(7002),
        state: 'accepted',
        offeredAt: at(19.4),
        expiresAt: at(39.4),
        endedAt: at(26),
        agentName: view.agentName ?? '',
      },
    ],
    recordings: [{ id: id(8001), startedAt: at(26), durationS: endS - 26, state: 'ready', silent: false, error: null }],
    quality: [
      { leg: 'a', party: view.from, mos: 4.3, lossPct: 0.1, jitterMs: 3, rttMs: 24 },
      { leg: 'b', party: view.agentName ?? '', mos: 4.4, lossPct: 0, jitterMs: 2, rttMs: 2 },
    ],
  };
}
