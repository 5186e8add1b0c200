import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import type { Actor } from '#appliance/contract/identity.ts';
import { crud } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, listQuery, pageOf, text, time, uuid } from '#appliance/http/schemas.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Files } from '#appliance/platform/files/index.ts';
import type { Keeping } from './keeping.ts';
import { keepingRoutes } from './keeping-routes.ts';
import type { NoteStore } from './note-store.ts';
import { soundSender } from './send.ts';
import type { RecordingRuleRow, RecordingStore } from './store.ts';
import type { RecordingRow } from './types.ts';

const state = z.enum(['recording', 'processing', 'ready', 'failed', 'deleted']);
const view = z.object({
  id: uuid,
  interactionId: uuid,
  state,
  startedAt: time,
  endedAt: time.nullable(),
  durationS: z.number().nullable(),
  silent: z.boolean().nullable(),
  silenceLeft: z.number().nullable(),
  silenceRight: z.number().nullable(),
  lengthOffS: z.number().nullable(),
  size: z.number().nullable(),
  layout: z.array(
    z.object({ stream: z.number(), side: z.enum(['left', 'right']), agentId: z.string().nullable(), from: z.string() }),
  ),
  pauses: z.array(z.object({ from: z.string(), to: z.string().nullable(), reason: z.string() })),
  error: z.string().nullable(),
  keptUntil: time.nullable().meta({ description: 'By its rule; null: until somebody deletes it' }),
  hold: z.object({ at: time, reason: z.string(), by: z.string().nullable() }).nullable(),
  deleted: z
    .object({ at: time, reason: z.string().nullable(), by: z.string().nullable() })
    .nullable()
    .meta({ description: 'Without a reason: its rule’s retention was over' }),
});
const optionalId = uuid.nullable().default(null);
const ruleFields = z.object({
  name: text(100, 1),
  queueId: optionalId,
  trunkId: optionalId,
  agentId: optionalId,
  mode: z.enum(['always', 'never', 'percent']),
  percent: z.number().min(0).max(100).default(100),
  announcement: z.string().max(100).nullable().default(null),
  position: z.number().int().min(0).max(10_000).default(0),
  active: z.boolean().default(true),
  retentionDays: z
    .int()
    .min(1)
    .max(36_500)
    .nullable()
    .default(null)
    .meta({ description: 'Its recordings are deleted after so many days, unless held; null: never by itself' }),
});

export interface RecordingRoutesDeps {
  store: RecordingStore;
  files: Files;
  clock: Clock;
  keeping: Keeping;
  notes: NoteStore;
  /** Whether a prompt of that name exists, for announcements. */
  hasPrompt: (name: string) => boolean | Promise<boolean>;
}

/** A player asks for many ranges of one recording: one entry of the audit chain covers them for so long. */
const ONE_LISTENING_MS = 10 * 60_000;
const MOST_LISTENINGS = 10_000;

/** /recordings and /recording-rules. Every listening and every download is an entry of the audit chain. */
export function recordingRoutes(
  server: Server,
  { store, files, clock, keeping, notes, hasPrompt }: RecordingRoutesDeps,
): void {
  const listenings = new Map<string, number>();
  const send = soundSender(files);
  keepingRoutes(server, { keeping, notes, store, clock });

  crud(server, {
    path: '/recording-rules',
    noun: 'recording-rule',
    permission: 'recording-rules',
    schema: ruleFields,
    store: store.rules,
    async prepare(fields): Promise<Partial<RecordingRuleRow>> {
      if (fields.announcement && !(await hasPrompt(fields.announcement))) {
        throw new AppError(
          'invalid',
          'prompt-unknown',
          `There is no prompt "${fields.announcement}". Choose an existing one.`,
        );
      }
      return fields as Partial<RecordingRuleRow>;
    },
  });

  route(server, {
    method: 'GET',
    path: '/recordings',
    permission: 'recordings:read',
    summary: 'Lists recordings, newest first',
    query: listQuery.omit({ q: true }).extend({
      interactionId: uuid.optional(),
      agentId: uuid.optional(),
      state: state.optional(),
      from: z.iso.datetime({ offset: true }).optional(),
      to: z.iso.datetime({ offset: true }).optional(),
    }),
    response: pageOf(view),
    handler: async ({ query }) => {
      const { from, to, ...filter } = query;
      const page = await store.list({
        ...filter,
        from: from === undefined ? undefined : new Date(from),
        to: to === undefined ? undefined : new Date(to),
      });
      return { items: await shown(page.items), next: page.next };
    },
  });

  route(server, {
    method: 'GET',
    path: '/recordings/{id}',
    permission: 'recordings:read',
    summary: 'Shows one recording',
    params: idParams,
    response: view,
    handler: async ({ params }) => (await shown([await existing(params.id)]))[0]!,
  });

  route(server, {
    method: 'GET',
    path: '/recordings/{id}/peaks',
    permission: 'recordings:play',
    summary: 'The waveform: the loudest sample per slice, 0-255, customer left and agents right',
    params: idParams,
    response: z.object({ durationS: z.number(), left: z.array(z.number()), right: z.array(z.number()) }),
    handler: async ({ params }) => {
      const row = await playable(params.id);
      const peaks = (await store.peaks(row.id)) ?? Buffer.alloc(0);
      const each = row.peaksPerSide ?? 0;
      return {
        durationS: row.durationS ?? 0,
        left: [...peaks.subarray(0, each)],
        right: [...peaks.subarray(each, each * 2)],
      };
    },
  });

  route(server, {
    method: 'GET',
    path: '/recordings/{id}/audio',
    permission: 'recordings:play',
    summary: 'The sound, for a player: Opus in Ogg, with byte ranges',
    params: idParams,
    handler: async ({ params, actor, address, request, h }) => {
      const row = await playable(params.id);
      const answer = await send(row, request.headers.range, h);
      if (answer.statusCode < 400) await listened(row, actor, address);
      return answer.header('cache-control', 'private, no-store').header('content-disposition', 'inline');
    },
  });

  route(server, {
    method: 'GET',
    path: '/recordings/{id}/download',
    permission: 'recordings:download',
    summary: 'The sound as a file to take away; says why',
    params: idParams,
    query: z.object({ reason: text(500, 5) }),
    handler: async ({ params, query, actor, address, h }) => {
      const row = await playable(params.id);
      const answer = await send(row, undefined, h);
      // Written before the first byte leaves: no entry, no file.
      await server.app.audit.record({
        actor,
        address,
        action: 'recording.downloaded',
        entity: 'recording',
        entityId: row.id,
        details: { reason: query.reason, interactionId: row.interactionId },
      });
      return answer
        .header('cache-control', 'private, no-store')
        .header('content-disposition', `attachment; filename="recording-${row.id}.ogg"`);
    },
  });

  async function listened(row: RecordingRow, actor: Actor, address: string): Promise<void> {
    const nowMs = clock.now().getTime();
    const key = `${actor.sessionId} ${row.id}`;
    const before = listenings.get(key);
    if (before !== undefined && nowMs - before < ONE_LISTENING_MS) return;
    await server.app.audit.record({
      actor,
      address,
      action: 'recording.played',
      entity: 'recording',
      entityId: row.id,
      details: { interactionId: row.interactionId },
    });
    listenings.delete(key);
    listenings.set(key, nowMs);
    if (listenings.size > MOST_LISTENINGS) listenings.delete(listenings.keys().next().value!);
  }

  async function shown(rows: RecordingRow[]): Promise<z.input<typeof view>[]> {
    const kept = await keeping.store.of(rows.map(({ id }) => id));
    return rows.map(({ fileSize, ...row }) => {
      const how = kept.get(row.id);
      return {
        ...row,
        size: fileSize,
        keptUntil: how?.keptUntil ?? null,
        hold: how?.holdAt ? { at: how.holdAt, reason: how.holdReason ?? '', by: how.holdBy } : null,
        deleted: how?.deletedAt ? { at: how.deletedAt, reason: how.deletedReason, by: how.deletedBy } : null,
      };
    });
  }

  async function existing(id: string): Promise<RecordingRow> {
    const row = await store.get(id);
    if (!row) throw new AppError('not-found', 'not-found', 'There is no such recording.');
    return row;
  }

  async function playable(id: string): Promise<RecordingRow> {
    const row = await existing(id);
    if (row.state === 'deleted') throw new AppError('not-found', 'recording-deleted', 'This recording was deleted.');
    if (row.state !== 'ready')
      throw new AppError('conflict', 'recording-not-ready', 'This recording is not finished.', { state: row.state });
    return row;
  }
}
