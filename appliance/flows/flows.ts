import type { FlowDocument, Scalar } from '#appliance/contract/flow.ts';
import { flowDocument } from '#appliance/contract/flow.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { createReread } from '#appliance/kernel/reread.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import type { Secrets } from '#appliance/platform/secrets/index.ts';
import { type DidRow, flowStore, type HoursRow, runWriter } from './flow-store.ts';
import type { FlowHost } from './host.ts';
import { type AllowedHost, createHttpCaller, type HttpCaller } from './http-call.ts';
import { interpret } from './interpreter.ts';
import type { Prompts } from './prompts.ts';
import { createRunJournal } from './run-journal.ts';
import type { FlowOutcome, RunDeps, RunState } from './run-state.ts';

export interface PublishedFlow {
  flowId: string;
  versionId: string;
  name: string;
  number: number;
  document: FlowDocument;
}

export interface FlowsDeps {
  db: Database;
  batch: Batch;
  clock: Clock;
  log: Log;
  bus: Pick<Bus, 'subscribe'>;
  prompts: Prompts;
  secrets: Pick<Secrets, 'open'>;
  /** Facts of the customer with that number: {id, name, language, ...}; undefined when nobody is known by it. */
  lookUpCustomer: RunDeps['lookUpCustomer'];
  /** Who spoke last with the customer of this call. */
  lastAgent?: RunDeps['lastAgent'];
  /** Becomes an event of the interaction. */
  event: (interactionId: string, type: string, data: Record<string, unknown>) => void;
  http?: HttpCaller;
}

export type Flows = ReturnType<typeof createFlows>;

/**
 * Flows as calls meet them. What was published is kept in memory, so that calls are served while the database is away;
 * `load` reads it at start, changes are followed on the bus.
 */
export function createFlows(deps: FlowsDeps) {
  const { db, batch, clock, log, bus, prompts } = deps;
  const store = flowStore(db);
  const journal = createRunJournal({ write: runWriter(batch), log });
  const published = new Map<string, PublishedFlow>();
  let hours = new Map<string, HoursRow>();
  let dids = new Map<string, DidRow>();
  let hosts: AllowedHost[] = [];
  const http = deps.http ?? createHttpCaller({ hosts: () => hosts });
  let unsubscribe: (() => void) | undefined;

  async function load(): Promise<void> {
    unsubscribe ??= bus.subscribe((event) => {
      if (event.type === 'config.changed' && LOADED.has(event.entity)) refresh();
    }, refresh);
    await reload();
  }

  async function reload(): Promise<void> {
    const [versions, hourRows, didRows, hostRows] = await Promise.all([
      store.published(),
      store.allHours(),
      store.allDids(),
      store.allHosts(),
      prompts.load(),
    ]);
    published.clear();
    for (const { id, flowId, number, name, document } of versions) {
      const parsed = flowDocument.safeParse(document);
      if (parsed.success) published.set(flowId, { flowId, versionId: id, name, number, document: parsed.data });
      else log.error({ flowId, number }, 'a published flow is not readable by this program');
    }
    hours = new Map(hourRows.map((row) => [row.id, row]));
    dids = new Map(didRows.map((row) => [row.number, row]));
    hosts = hostRows.map((row) => ({
      host: row.host,
      plainHttp: row.plainHttp,
      headers: openHeaders(row, deps.secrets),
    }));
  }

  const refresh = createReread({
    clock,
    read: reload,
    failed: (error) =>
      log.warn({ error: messageOf(error) }, 'flows could not be read again, calls go on with what is known'),
  });

  function runDeps(interactionId: string): RunDeps {
    return {
      clock,
      http,
      speech: prompts.say,
      hours: (id) => hours.get(id),
      lookUpCustomer: deps.lookUpCustomer,
      lastAgent: deps.lastAgent ?? (async () => undefined),
      event: (type, data) => deps.event(interactionId, type, data),
      save(state, outcome) {
        const { versionId, interactionId: interaction_id, secureFrom: secure_from, startedAt, ...rest } = state;
        journal.save({
          ...rest,
          interaction_id,
          secure_from,
          flow_version_id: versionId,
          outcome,
          started_at: startedAt.toISOString(),
          updated_at: clock.now().toISOString(),
        });
      },
    };
  }

  return {
    load,
    store,

    /** The version that a call arriving now would get. */
    published: (flowId: string): PublishedFlow | undefined => published.get(flowId),

    all: (): PublishedFlow[] => [...published.values()],

    /** Where a number leads; undefined when it is none of ours. */
    did: (number: string): DidRow | undefined => dids.get(number),

    /** The number that callees of this queue see and can call back; any of ours when the queue has none. */
    mainNumber(queueId: string | null): string | undefined {
      const all = [...dids.values()];
      return (all.find((did) => queueId !== null && did.queueId === queueId) ?? all[0])?.number;
    },

    hours: (id: string): HoursRow | undefined => hours.get(id),

    /**
     * Runs the published version of a flow until the contact has left it. Never rejects once it has begun.
     *
     * @throws {AppError} flow-not-published.
     */
    async start({
      interactionId,
      flowId,
      host,
      language,
      variables,
    }: {
      interactionId: string;
      flowId: string;
      host: FlowHost;
      language?: string;
      variables?: Record<string, Scalar>;
    }): Promise<FlowOutcome> {
      const flow = published.get(flowId);
      if (!flow) throw new AppError('not-found', 'flow-not-published', 'No version of this flow is published.');
      const state: RunState = {
        id: uuidv7(clock.now().getTime()),
        interactionId,
        versionId: flow.versionId,
        step: flow.document.start,
        steps: 0,
        language: language ?? flow.document.language,
        variables: { ...flow.document.variables, ...variables },
        secureFrom: null,
        answered: host.answered,
        startedAt: clock.now(),
      };
      deps.event(interactionId, 'flow-started', {
        flowId,
        flowVersionId: flow.versionId,
        name: flow.name,
        number: flow.number,
      });
      return interpret(flow.document, state, host, runDeps(interactionId));
    },

    /** Goes on where the run of a former process was, on the version it began with. Undefined when no run is open. */
    async resume(interactionId: string, host: FlowHost): Promise<FlowOutcome | undefined> {
      const state = await store.openRun(interactionId);
      if (!state) return undefined;
      const version = await store.versionById(state.versionId);
      const parsed = flowDocument.safeParse(version?.document);
      if (!parsed.success) {
        log.error(
          { interactionId, flowVersionId: state.versionId },
          'a flow to be resumed is not readable by this program',
        );
        return undefined;
      }
      deps.event(interactionId, 'flow-resumed', { flowVersionId: state.versionId, step: state.step });
      return interpret(parsed.data, state, host, runDeps(interactionId), true);
    },

    /** Resolves when every position handed in is committed. */
    flushed: journal.flushed,

    close(): void {
      unsubscribe?.();
      refresh.stop();
    },
  };
}

const LOADED = new Set(['flow', 'hours', 'did', 'flow-host', 'prompt']);

export function openHeaders(
  { id, headersSealed }: { id: string; headersSealed: string | null },
  secrets: Pick<Secrets, 'open'>,
): Record<string, string> {
  return headersSealed === null
    ? {}
    : (JSON.parse(secrets.open(headersSealed, `flow-host:${id}`)) as Record<string, string>);
}
