import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time, uuid } from '#appliance/http/schemas.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Keeping } from './keeping.ts';
import type { NoteStore } from './note-store.ts';
import type { RecordingStore } from './store.ts';

const MOST_NOTES = 500;
const reason = text(500, 5);
const note = z.object({
  id: uuid,
  atS: z.number(),
  text: z.string(),
  byId: uuid.nullable(),
  byName: z.string().nullable(),
  madeAt: time,
});

export interface KeepingRoutesDeps {
  keeping: Keeping;
  notes: NoteStore;
  store: RecordingStore;
  clock: Clock;
}

/** What people do with a recording besides listening: delete it, hold it, note something at a moment of it. */
export function keepingRoutes(server: Server, { keeping, notes, store, clock }: KeepingRoutesDeps): void {
  const entity = 'recording';

  route(server, {
    method: 'DELETE',
    path: '/recordings/{id}',
    permission: 'recordings:delete',
    summary: 'Deletes the sound of a recording for good; says why',
    description: 'The row stays, as deleted. Refused with recording-held while a legal hold is on it.',
    params: idParams,
    query: z.object({ reason }),
    audit: { action: 'recording.deleted', entity, details: ({ query }) => ({ reason: query.reason }) },
    handler: ({ params, query, actor }) => keeping.remove(params.id, { by: actor.userId, reason: query.reason }),
  });

  route(server, {
    method: 'PUT',
    path: '/recordings/{id}/hold',
    permission: 'recordings:hold',
    summary: 'Puts a legal hold on a recording: nobody and no rule deletes it; says why',
    params: idParams,
    payload: z.object({ reason }).strict(),
    audit: { action: 'recording.held', entity, details: ({ payload }) => ({ reason: payload.reason }) },
    handler: ({ params, payload, actor }) => keeping.hold(params.id, { by: actor.userId, reason: payload.reason }),
  });

  route(server, {
    method: 'DELETE',
    path: '/recordings/{id}/hold',
    permission: 'recordings:hold',
    summary: 'Ends the legal hold of a recording; says why',
    params: idParams,
    query: z.object({ reason }),
    audit: { action: 'recording.released', entity, details: ({ query }) => ({ reason: query.reason }) },
    handler: ({ params, actor }) => keeping.release(params.id, { by: actor.userId }),
  });

  route(server, {
    method: 'GET',
    path: '/recordings/{id}/notes',
    permission: 'recordings:play',
    summary: 'What was noted at moments of a recording',
    params: idParams,
    response: z.object({ items: z.array(note) }),
    handler: async ({ params }) => ({ items: await notes.of(params.id) }),
  });

  route(server, {
    method: 'POST',
    path: '/recordings/{id}/notes',
    permission: 'recordings:note',
    summary: 'Notes something at a moment of a recording',
    params: idParams,
    payload: z.object({ atS: z.number().min(0), text: text(2000, 1) }).strict(),
    response: note,
    status: 201,
    audit: {
      action: 'recording.noted',
      entity,
      entityId: ({ params }) => params.id,
      details: ({ payload }, made) => ({ noteId: (made as { id: string }).id, atS: payload.atS }),
    },
    handler: async ({ params, payload, actor }) => {
      const row = await store.get(params.id);
      if (!row || row.state === 'deleted') throw new AppError('not-found', 'not-found', 'There is no such recording.');
      if (row.durationS !== null && payload.atS > row.durationS)
        throw new AppError('invalid', 'after-the-end', 'The recording is over before that moment.');
      if ((await notes.of(params.id)).length >= MOST_NOTES)
        throw new AppError('conflict', 'too-many-notes', `A recording has at most ${MOST_NOTES} notes.`);
      const id = await notes.add(params.id, { ...payload, byId: actor.userId, madeAt: clock.now() });
      return (await notes.get(params.id, id))!;
    },
  });

  route(server, {
    method: 'DELETE',
    path: '/recordings/{id}/notes/{noteId}',
    permission: 'recordings:note',
    summary: 'Takes a note back: one’s own, or as an administrator any',
    params: idParams.extend({ noteId: uuid }),
    audit: {
      action: 'recording.note-removed',
      entity,
      entityId: ({ params }) => params.id,
      details: ({ params }) => ({ noteId: params.noteId }),
    },
    handler: async ({ params, actor }) => {
      const found = await notes.get(params.id, params.noteId);
      if (!found) throw new AppError('not-found', 'not-found', 'There is no such note.');
      if (found.byId !== actor.userId && actor.role !== 'admin')
        throw new AppError('forbidden', 'not-yours', 'Somebody else wrote this note.');
      await notes.remove(params.id, params.noteId);
    },
  });
}
