import type { RecordingView } from '#appliance/contract/work.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Batch } from '#appliance/platform/postgres/index.ts';
import {
  type CrudRow,
  type CrudStore,
  type Database,
  rowFromColumns,
  tableStore,
} from '#appliance/platform/postgres/index.ts';
import type { RecordingRule } from './rules.ts';
import type { LiveRecording, RecordingRow, RecordingState } from './types.ts';

export interface RecordingRuleRow extends CrudRow, RecordingRule {
  name: string;
  /** Null: kept until somebody deletes them. */
  retentionDays: number | null;
}

export interface RecordingFilter {
  interactionId?: string | undefined;
  agentId?: string | undefined;
  state?: RecordingState | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
  limit: number;
  cursor?: string | undefined;
}

export interface FinishedFile {
  durationS: number;
  fileHash: string;
  fileSize: number;
  fileKeyId: string;
  contentType: string;
  peaks: Buffer;
  peaksPerSide: number;
  silenceLeft: number;
  silenceRight: number;
  silent: boolean;
  lengthOffS: number | null;
}

export type RecordingStore = ReturnType<typeof recordingStore>;

const COLUMNS = [
  'id',
  'interaction_id',
  'rule_id',
  'instance',
  'state',
  'started_at',
  'ended_at',
  'duration_s',
  'file_hash',
  'file_size',
  'file_key_id',
  'content_type',
  'layout',
  'pauses',
  'peaks_per_side',
  'silence_left',
  'silence_right',
  'silent',
  'length_off_s',
  'error',
  'created_at',
  'updated_at',
];

export function recordingStore(db: Database) {
  const rules: CrudStore<RecordingRuleRow> = tableStore<RecordingRuleRow>(db, {
    table: 'recording_rule',
    columns: [
      'name',
      'queue_id',
      'trunk_id',
      'agent_id',
      'mode',
      'percent',
      'announcement',
      'position',
      'active',
      'retention_days',
    ],
    search: ['name'],
    order: 'name',
  });
  const toRow = (row: Record<string, unknown>): RecordingRow => rowFromColumns<RecordingRow>(row);

  return {
    rules,
    async allRules(): Promise<RecordingRuleRow[]> {
      return (await db('recording_rule').select('*')).map((row) => rowFromColumns<RecordingRuleRow>(row));
    },

    async get(id: string): Promise<RecordingRow | undefined> {
      const row = await db('recording').where({ id }).first(COLUMNS);
      return row && toRow(row);
    },

    async peaks(id: string): Promise<Buffer | undefined> {
      const row = await db('recording').where({ id }).first('peaks');
      return row?.peaks ?? undefined;
    },

    async list({
      interactionId,
      agentId,
      state,
      from,
      to,
      limit,
      cursor,
    }: RecordingFilter): Promise<{ items: RecordingRow[]; next: string | null }> {
      const query = db('recording')
        .select(COLUMNS)
        .orderBy([
          { column: 'started_at', order: 'desc' },
          { column: 'id', order: 'desc' },
        ])
        .limit(limit + 1);
      if (interactionId) query.where('interaction_id', interactionId);
      if (state) query.where('state', state);
      if (agentId) query.whereRaw('layout @> ?::jsonb', [JSON.stringify([{ agentId }])]);
      if (from) query.where('started_at', '>=', from);
      if (to) query.where('started_at', '<', to);
      if (cursor) query.whereRaw('(started_at, id) < (?, ?)', parseCursor(cursor));
      const rows: Record<string, unknown>[] = await query;
      const items = rows.slice(0, limit).map(toRow);
      const last = items.at(-1);
      return { items, next: rows.length > limit && last ? `${last.startedAt.getTime()}.${last.id}` : null };
    },

    async of(interactionIds: string[]): Promise<RecordingRow[]> {
      const rows = await db('recording')
        .whereIn('interaction_id', interactionIds)
        .orderBy('started_at')
        .select(COLUMNS);
      return rows.map(toRow);
    },

    /** Not yet finished ones of one voice process. */
    async openOf(instance: string): Promise<RecordingRow[]> {
      return (await db('recording').where({ instance, state: 'recording' }).select(COLUMNS)).map(toRow);
    },

    async byIds(ids: string[]): Promise<RecordingRow[]> {
      return (await db('recording').whereIn('id', ids).select(COLUMNS)).map(toRow);
    },

    async waiting(updatedBefore: Date): Promise<string[]> {
      const rows = await db('recording')
        .where({ state: 'processing' })
        .where('updated_at', '<', updatedBefore)
        .select('id');
      return rows.map(({ id }) => id);
    },

    /** A raw file whose row was never written. */
    async adopt(row: {
      id: string;
      interactionId: string;
      ruleId: string | null;
      instance: string | null;
      startedAt: Date;
      endedAt: Date;
    }): Promise<void> {
      await db('recording')
        .insert({
          id: row.id,
          interaction_id: row.interactionId,
          rule_id: row.ruleId,
          instance: row.instance,
          state: 'processing',
          started_at: row.startedAt,
          ended_at: row.endedAt,
        })
        .onConflict('id')
        .ignore();
    },

    async close(id: string, endedAt: Date): Promise<boolean> {
      return (
        (await db('recording')
          .where({ id, state: 'recording' })
          .update({ state: 'processing', ended_at: endedAt, updated_at: db.fn.now() })) > 0
      );
    },

    /** False when it was finished by somebody else meanwhile. */
    async finish(id: string, file: FinishedFile): Promise<boolean> {
      const changed = await db('recording').where({ id }).whereIn('state', ['processing', 'failed']).update({
        state: 'ready',
        duration_s: file.durationS,
        file_hash: file.fileHash,
        file_size: file.fileSize,
        file_key_id: file.fileKeyId,
        content_type: file.contentType,
        peaks: file.peaks,
        peaks_per_side: file.peaksPerSide,
        silence_left: file.silenceLeft,
        silence_right: file.silenceRight,
        silent: file.silent,
        length_off_s: file.lengthOffS,
        updated_at: db.fn.now(),
      });
      return changed > 0;
    },

    /** True when this is news. */
    async fail(id: string, error: string): Promise<boolean> {
      const changed = await db('recording')
        .where({ id })
        .whereNotIn('state', ['ready', 'deleted'])
        .where((either) => either.whereNot('state', 'failed').orWhereNot('error', error))
        .update({ state: 'failed', error, updated_at: db.fn.now() });
      return changed > 0;
    },
  };
}

/** What the process with the call knows, by group commit; never over something that was finished. */
export function liveWriter(batch: Batch): (row: LiveRecording) => Promise<void> {
  const write = batch.statement<Record<string, unknown> & { id: string }>(
    'recording',
    600,
    `insert into recording (id, interaction_id, rule_id, instance, state, started_at, ended_at, layout, pauses, error)
     select id, interaction_id, rule_id, instance, state, started_at, ended_at, layout, pauses, error
     from jsonb_to_recordset($1::jsonb) as r(id uuid, interaction_id uuid, rule_id uuid, instance text, state text, started_at timestamptz, ended_at timestamptz, layout jsonb, pauses jsonb, error text)
     on conflict (id) do update set state = excluded.state, ended_at = excluded.ended_at, layout = excluded.layout, pauses = excluded.pauses,
       error = coalesce(excluded.error, recording.error), updated_at = now()
     where recording.state = 'recording'`,
    { key: ({ id }) => id },
  );
  return ({ id, interactionId, ruleId, instance, state, startedAt, endedAt, layout, pauses, error }) =>
    write({
      id,
      interaction_id: interactionId,
      rule_id: ruleId,
      instance,
      state,
      started_at: startedAt.toISOString(),
      ended_at: endedAt?.toISOString() ?? null,
      layout,
      pauses,
      error,
    });
}

export function viewOf(
  row: Pick<RecordingRow, 'id' | 'startedAt' | 'durationS' | 'state' | 'silent' | 'error'>,
): RecordingView {
  return {
    id: row.id,
    startedAt: row.startedAt.toISOString(),
    durationS: row.durationS,
    state: row.state,
    silent: row.silent,
    error: row.error,
  };
}

function parseCursor(cursor: string): [Date, string] {
  const match = /^([0-9]{1,15})\.([0-9a-f-]{36})$/.exec(cursor);
  if (!match) throw new AppError('invalid', 'invalid-cursor', 'The cursor is not one that a list returned.');
  return [new Date(Number(match[1])), match[2]!];
}
