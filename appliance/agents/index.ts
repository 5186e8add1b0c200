import type { Forwarding, RingTurn } from '#appliance/contract/calls.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { Emitter } from '#appliance/kernel/emitter.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { createReread } from '#appliance/kernel/reread.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import { type AgentRow, createStore, type PresenceRow, type ReasonRow } from './store.ts';
import { createTodayStore } from './today-store.ts';

export type { AgentRow, PresenceChangeRow, PresenceRow, ReasonRow } from './store.ts';
export type Agents = ReturnType<typeof createAgents>;
export type AgentsEvents = { reloaded: Record<string, never> };

const WAKE_UP_MS = 3_600_000;
const RETRY_MS = 5000;

/** Configuration whose change means that agents must be read again. */
const ENTITIES = new Set(['agent', 'user', 'team', 'skill', 'reason']);

/** People at work, cached in this process and read again when configuration changes. `load()` first. */
export function createAgents({ db, batch, bus, clock }: { db: Database; batch: Batch; bus: Bus; clock: Clock }) {
  const store = createStore(db, batch);
  const emitter = new Emitter<AgentsEvents>();
  let byId = new Map<string, AgentRow>();
  let byExtension = new Map<string, AgentRow>();
  let reasons = new Map<string, ReasonRow>();
  let loading: Promise<void> | undefined;
  let again = false;
  let unsubscribe: (() => void) | undefined;
  const today = createTodayStore(db);
  let cancel = (): void => {};

  async function read(): Promise<void> {
    const now = clock.now();
    const [agents, reasonRows, end] = await Promise.all([store.all(now), store.reasons(), today.nextEnd(now)]);
    byId = new Map(agents.map((agent) => [agent.id, agent]));
    byExtension = new Map(agents.filter((agent) => agent.extension !== null).map((agent) => [agent.extension!, agent]));
    reasons = new Map(reasonRows.map((reason) => [reason.code, reason]));
    cancel();
    if (end) wakeUp(end.getTime());
    emitter.emit('reloaded', {});
  }

  /** What was for today only is over then: read again, and so does who serves which queue. */
  function wakeUp(endMs: number): void {
    const leftMs = endMs - clock.now().getTime();
    cancel = clock.after(Math.min(Math.max(leftMs, 1), WAKE_UP_MS), () => {
      // The clock of the box may have been set meanwhile.
      if (endMs > clock.now().getTime()) wakeUp(endMs);
      else load().catch(() => wakeUp(clock.now().getTime() + RETRY_MS));
    });
  }

  /** Reads everything again; calls meanwhile become one more read. */
  async function load(): Promise<void> {
    if (loading) {
      again = true;
      return loading;
    }
    loading = (async () => {
      do {
        again = false;
        await read();
      } while (again);
    })().finally(() => {
      loading = undefined;
    });
    return loading;
  }

  const reread = createReread({ clock, read: load });

  async function setCalls(agentId: string, settings: Parameters<typeof store.setCalls>[1]): Promise<void> {
    if (!(await store.setCalls(agentId, settings)))
      throw new AppError('not-found', 'not-an-agent', 'They take no calls.');
    await load();
    bus.publish({ type: 'config.changed', entity: 'agent', id: agentId });
  }

  return {
    on: emitter.on.bind(emitter) as Emitter<AgentsEvents>['on'],
    /** Reads all agents and from now on follows changes of configuration. */
    async load(): Promise<void> {
      unsubscribe ??= bus.subscribe((event) => {
        if (event.type === 'config.changed' && ENTITIES.has(event.entity)) reread();
      }, reread);
      await load();
    },
    close(): void {
      unsubscribe?.();
      reread.stop();
      cancel();
    },
    get: (id: string): AgentRow | undefined => byId.get(id),
    byExtension: (extension: string): AgentRow | undefined => byExtension.get(extension),
    list: (): AgentRow[] => [...byId.values()],
    reasons: (): ReasonRow[] => [...reasons.values()],

    /** The reason a person may choose for not-ready; system reasons are the router's. */
    chosenReason(code: string | undefined): string | null {
      if (code === undefined) return null;
      const reason = reasons.get(code);
      if (!reason?.active || reason.system)
        throw new AppError('invalid', 'reason-unknown', `There is no not-ready reason ${code}`);
      return reason.code;
    },

    /** Where calls for this person go on to, from the next one on. */
    setForwarding: (agentId: string, forwarding: Forwarding): Promise<void> => setCalls(agentId, { forwarding }),
    setRingPattern: (agentId: string, ringPattern: RingTurn[] | null): Promise<void> =>
      setCalls(agentId, { ringPattern }),

    presences: (): Promise<PresenceRow[]> => store.presences(),
    presenceHistory: store.presenceHistory,
    /** Keeps the state, and its history when `by` (the agent, a supervisor's id, or `router`) changed it; resolves after commit. */
    savePresence(row: PresenceRow, by?: string): Promise<void> {
      return store.savePresence(row, by === undefined ? undefined : { id: uuidv7(clock.now().getTime()), by });
    },
  };
}
