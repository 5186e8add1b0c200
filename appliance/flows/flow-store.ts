import type { FlowDocument } from '#appliance/contract/flow.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Batch } from '#appliance/platform/postgres/index.ts';
import {
  type CrudRow,
  type CrudStore,
  type Database,
  rowFromColumns,
  tableStore,
} from '#appliance/platform/postgres/index.ts';
import type { Holiday, WeeklyRange } from './hours.ts';
import type { FlowEnd, RunState } from './run-state.ts';

export interface FlowRow extends CrudRow {
  name: string;
  description: string | null;
  draft: unknown;
  publishedVersionId: string | null;
}

export interface FlowVersionRow {
  id: string;
  flowId: string;
  number: number;
  document: FlowDocument;
  note: string | null;
  publishedBy: string | null;
  publishedAt: Date;
}

export interface HoursRow extends CrudRow {
  name: string;
  timeZone: string;
  weekly: WeeklyRange[];
  holidays: Holiday[];
}

export interface DidRow extends CrudRow {
  number: string;
  name: string | null;
  flowId: string | null;
  queueId: string | null;
  /** Somebody's own number. */
  agentId: string | null;
  language: string | null;
}

export interface FlowHostRow extends CrudRow {
  host: string;
  plainHttp: boolean;
  note: string | null;
  headersSealed: string | null;
}

export type FlowStore = ReturnType<typeof flowStore>;

export function flowStore(db: Database) {
  const flows: CrudStore<FlowRow> = tableStore<FlowRow>(db, {
    table: 'flow',
    columns: ['name', 'description', 'draft'],
    json: ['draft'],
    search: ['name', 'description'],
    readOnly: ['published_version_id'],
    order: 'name',
  });

  return {
    flows,
    hours: tableStore<HoursRow>(db, {
      table: 'hours',
      columns: ['name', 'time_zone', 'weekly', 'holidays'],
      json: ['weekly', 'holidays'],
      search: ['name'],
      order: 'name',
    }),
    dids: tableStore<DidRow>(db, {
      table: 'did',
      columns: ['number', 'name', 'flow_id', 'queue_id', 'agent_id', 'language'],
      search: ['number', 'name'],
      order: 'number',
    }),
    hosts: tableStore<FlowHostRow>(db, {
      table: 'flow_host',
      columns: ['host', 'plain_http', 'note', 'headers_sealed'],
      search: ['host', 'note'],
      order: 'host',
    }),

    allHours: () => all<HoursRow>('hours'),
    allDids: () => all<DidRow>('did'),
    allHosts: () => all<FlowHostRow>('flow_host'),

    /** By id, else by name in any case, else the one name that begins so. */
    async find(reference: string): Promise<FlowRow | undefined> {
      const rows = (await db('flow').select('*')).map((row) => rowFromColumns<FlowRow>(row));
      const wanted = reference.toLowerCase();
      const byPrefix = rows.filter(({ name }) => name.toLowerCase().startsWith(wanted));
      return (
        rows.find(({ id, name }) => id === wanted || name.toLowerCase() === wanted) ??
        (byPrefix.length === 1 ? byPrefix[0] : undefined)
      );
    },

    async published(): Promise<(FlowVersionRow & { name: string })[]> {
      const rows = await db('flow')
        .join('flow_version', 'flow_version.id', 'flow.published_version_id')
        .select('flow_version.*', 'flow.name');
      return rows.map((row) => rowFromColumns<FlowVersionRow & { name: string }>(row));
    },

    async versions(flowId: string): Promise<Omit<FlowVersionRow, 'document'>[]> {
      const rows = await db('flow_version')
        .where({ flow_id: flowId })
        .orderBy('number', 'desc')
        .select('id', 'flow_id', 'number', 'note', 'published_by', 'published_at');
      return rows.map((row) => rowFromColumns<Omit<FlowVersionRow, 'document'>>(row));
    },

    async version(flowId: string, number: number): Promise<FlowVersionRow | undefined> {
      const row = await db('flow_version').where({ flow_id: flowId, number }).first();
      return row && rowFromColumns<FlowVersionRow>(row);
    },

    async versionById(id: string): Promise<FlowVersionRow | undefined> {
      const row = await db('flow_version').where({ id }).first();
      return row && rowFromColumns<FlowVersionRow>(row);
    },

    /** A new version from the draft, if the flow is still at `version`. */
    publish(
      flow: { id: string; version: number },
      entry: { document: FlowDocument; note: string | null; by: string | null },
    ): Promise<FlowVersionRow> {
      return db.transaction(async (trx) => {
        const locked = await trx('flow').where({ id: flow.id }).forUpdate().first('version');
        if (locked?.version !== flow.version)
          throw new AppError('conflict', 'stale', 'The flow was changed meanwhile.', { version: locked?.version });
        const last = await trx('flow_version').where({ flow_id: flow.id }).max('number as number').first();
        const [row] = await trx('flow_version')
          .insert({
            id: uuidv7(),
            flow_id: flow.id,
            number: (last?.number ?? 0) + 1,
            document: JSON.stringify(entry.document),
            note: entry.note,
            published_by: entry.by,
          })
          .returning('*');
        await trx('flow')
          .where({ id: flow.id })
          .update({ published_version_id: row.id, version: flow.version + 1, updated_at: trx.fn.now() });
        return rowFromColumns<FlowVersionRow>(row);
      });
    },

    /** An earlier version is the published one again. */
    async pointTo(flow: { id: string; version: number }, versionId: string): Promise<void> {
      const changed = await db('flow')
        .where({ id: flow.id, version: flow.version })
        .update({ published_version_id: versionId, version: flow.version + 1, updated_at: db.fn.now() });
      if (changed === 0) throw new AppError('conflict', 'stale', 'The flow was changed meanwhile.');
    },

    /** Runs whose call ended while nobody was there to say so lose their variables; ended ones are kept for a month. */
    async sweepRuns(now: Date): Promise<void> {
      const before = (days: number): Date => new Date(now.getTime() - days * 86_400_000);
      await db('flow_run')
        .where({ outcome: null })
        .where('updated_at', '<', before(2))
        .update({ outcome: 'gone', variables: '{}', secure_from: null });
      await db('flow_run').whereNotNull('outcome').where('updated_at', '<', before(30)).delete();
    },

    async openRun(interactionId: string): Promise<RunState | undefined> {
      const row = await db('flow_run')
        .where({ interaction_id: interactionId, outcome: null })
        .orderBy('started_at', 'desc')
        .first();
      if (!row) return undefined;
      const { flowVersionId, ...state } = rowFromColumns<Omit<RunState, 'versionId'> & { flowVersionId: string }>(row);
      return { ...state, versionId: flowVersionId };
    },
  };

  async function all<Row>(table: string): Promise<Row[]> {
    const rows = await db(table).select('*');
    return rows.map((row) => rowFromColumns<Row>(row));
  }
}

export interface RunRow {
  id: string;
  interaction_id: string;
  flow_version_id: string;
  step: string;
  steps: number;
  language: string;
  variables: Record<string, unknown>;
  secure_from: string | null;
  answered: boolean;
  outcome: FlowEnd | null;
  started_at: string;
  updated_at: string;
}

/** Positions of runs, by group commit. A run that is over keeps no variables: they are the customer's. */
export function runWriter(batch: Batch): (row: RunRow) => Promise<void> {
  return batch.statement<RunRow>(
    'flow-run',
    400,
    `insert into flow_run (id, interaction_id, flow_version_id, step, steps, language, variables, secure_from, answered, outcome, started_at, updated_at)
     select id, interaction_id, flow_version_id, step, steps, language, case when outcome is null then variables else '{}'::jsonb end, secure_from, answered, outcome, started_at, updated_at
     from jsonb_to_recordset($1::jsonb) as r(id uuid, interaction_id uuid, flow_version_id uuid, step text, steps integer, language text, variables jsonb, secure_from text,
       answered boolean, outcome text, started_at timestamptz, updated_at timestamptz)
     on conflict (id) do update set step = excluded.step, steps = excluded.steps, language = excluded.language, variables = excluded.variables, secure_from = excluded.secure_from,
       answered = excluded.answered, outcome = excluded.outcome, updated_at = excluded.updated_at`,
    { key: ({ id }) => id, merge: (_, later) => later, patient: true },
  );
}
