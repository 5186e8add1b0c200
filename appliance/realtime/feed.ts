import type { Commands } from '#appliance/contract/bus.ts';
import type { QueueFigures, QueueLive } from '#appliance/contract/work.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Alarms } from './alarms.ts';
import { actorKey } from './hub.ts';
import type { Topics } from './topic.ts';

interface Deps {
  bus: {
    call<K extends keyof Commands>(
      address: string,
      name: K,
      input: Commands[K]['in'],
      timeoutMs?: number,
    ): Promise<Commands[K]['out']>;
  };
  /** Names of all queues that screens show. */
  queues: () => Promise<{ id: string; name: string }[]>;
  /** Figures of today by queue, from reporting. */
  figures: (queueIds: string[]) => Promise<Map<string, QueueFigures>>;
  alarms: Pick<Alarms, 'open'>;
  clock: Clock;
}

const LIVE_TIMEOUT_MS = 3000;
/** Figures of today move with the calls; estimated and longest waits with the clock. */
const QUEUES_REFRESH_MS = 5000;
const ALARMS_REFRESH_MS = 3000;

/** What the router knows, as screens see it: `me`, `queues`, `agents`; and `alarms`. */
export function registerCoreTopics(topics: Topics, { bus, queues, figures, alarms, clock }: Deps): void {
  topics.registerTopic('me', {
    permission: 'me',
    shape: 'state',
    key: actorKey,
    snapshot: (actor) => bus.call('router', 'live.me', { agentId: actor.userId }, LIVE_TIMEOUT_MS),
    affects: (event) => {
      if (event.type === 'agent.changed' || event.type === 'offer.changed') return [event.agentId];
      if (event.type === 'call.changed') return event.agentIds;
      if (event.type === 'interaction.changed') return event.agentId ? [event.agentId] : false;
      return (
        event.type === 'config.changed' &&
        (event.entity === 'agent' || event.entity === 'queue' || event.entity === 'disposition')
      );
    },
  });

  topics.registerTopic('agents', {
    permission: 'agents:read',
    shape: 'list',
    snapshot: () => bus.call('router', 'live.agents', {}, LIVE_TIMEOUT_MS),
    affects: (event) =>
      event.type === 'agent.changed' ||
      event.type === 'offer.changed' ||
      event.type === 'phone.changed' ||
      (event.type === 'interaction.changed' && event.agentId !== null) ||
      (event.type === 'config.changed' &&
        (event.entity === 'agent' || event.entity === 'user' || event.entity === 'team')),
  });

  topics.registerTopic('queues', {
    permission: 'queues:read',
    shape: 'list',
    refreshMs: QUEUES_REFRESH_MS,
    async snapshot(): Promise<QueueLive[]> {
      const [named, live] = await Promise.all([queues(), bus.call('router', 'live.queues', {}, LIVE_TIMEOUT_MS)]);
      const today = await figures(named.map(({ id }) => id));
      const byId = new Map(live.map((queue) => [queue.id, queue]));
      return named.map(({ id, name }) => queueLive(id, name, byId.get(id), today.get(id), clock.now()));
    },
    affects: (event) =>
      event.type === 'queue.changed' ||
      event.type === 'agent.changed' ||
      (event.type === 'interaction.changed' && event.queueId !== null) ||
      (event.type === 'config.changed' && (event.entity === 'queue' || event.entity === 'agent')),
  });

  topics.registerTopic('alarms', {
    permission: 'alarms:read',
    shape: 'list',
    snapshot: () => alarms.open(),
    affects: (event) => event.type === 'alarm.changed',
    // While Redis is away nothing says that an alarm was raised, and that is one.
    refreshMs: ALARMS_REFRESH_MS,
  });
}

type Live = Commands['live.queues']['out'][number];

function queueLive(
  id: string,
  name: string,
  live: Live | undefined,
  today: QueueFigures | undefined,
  now: Date,
): QueueLive {
  const since = live?.waiting.map((entry) => entry.since).sort()[0] ?? null;
  return {
    id,
    name,
    waiting: live?.waiting.length ?? 0,
    longestSince: since,
    longestWaitS: since === null ? 0 : Math.max(0, Math.round((now.getTime() - new Date(since).getTime()) / 1000)),
    active: live?.active ?? 0,
    agentsReady: live?.agentsReady ?? 0,
    agentsBusy: live?.agentsBusy ?? 0,
    agentsSignedIn: live?.agentsSignedIn ?? 0,
    estimatedWaitS: live?.estimatedWaitS ?? null,
    today: today ?? NO_FIGURES,
  };
}

export const NO_FIGURES: QueueFigures = {
  offered: 0,
  answered: 0,
  answeredWithinS: 0,
  abandoned: 0,
  shortAbandoned: 0,
  flowedOut: 0,
  serviceLevel: null,
  serviceLevelThresholdS: 0,
  serviceLevelTarget: 0,
  serviceLevelFormula: '',
  serviceLevelKind: 'without-abandons',
  abandonedWithinS: 0,
  from: '',
  to: '',
  averageSpeedOfAnswerS: null,
  longestWaitS: null,
  averageHandleS: null,
};
