import type { ResponseObject, ResponseToolkit, Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { idParams, time, uuid } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { MailboxStore, VoicemailCursor } from './mailbox-store.ts';

const view = z.object({
  id: uuid,
  interactionId: uuid,
  recordingId: uuid,
  from: z.string(),
  customer: z.object({ id: uuid, name: z.string().nullable(), known: z.boolean() }).nullable(),
  leftAt: time,
  durationS: z.number(),
  heard: z.boolean(),
  state: z.enum(['processing', 'ready', 'failed']),
});
const counts = z.object({ fresh: z.int(), heard: z.int() });

/** My voicemail: the messages that callers left for me, and for nobody else. */
export function voicemailRoutes(
  server: Server,
  {
    store,
    send,
  }: {
    store: MailboxStore;
    /** The sound of a recording, with byte ranges. */
    send(recordingId: string, range: unknown, h: ResponseToolkit): Promise<ResponseObject>;
  },
): void {
  route(server, {
    method: 'GET',
    path: '/me/voicemails',
    permission: 'me',
    summary: 'Messages that callers left for me, the newest first',
    query: z.object({
      limit: z.coerce.number().int().min(1).max(200).default(50),
      cursor: z.string().max(200).optional(),
    }),
    response: z.object({ items: z.array(view), next: z.string().nullable(), counts }),
    handler: async ({ actor, query }) => {
      const after = query.cursor === undefined ? undefined : cursorOf(query.cursor);
      const [{ items, more }, kept] = await Promise.all([
        store.list(actor.userId, { limit: query.limit, after }),
        store.counts(actor.userId),
      ]);
      const last = items.at(-1);
      return { items, next: more && last ? `${last.leftAt}~${last.id}` : null, counts: kept };
    },
  });

  route(server, {
    method: 'GET',
    path: '/me/voicemails/{id}/audio',
    permission: 'me',
    summary: 'The sound of a message: Opus in Ogg, with byte ranges',
    params: idParams,
    handler: async ({ actor, params, request, h }) => {
      const { recordingId } = await mine(actor.userId, params.id);
      const answer = await send(recordingId, request.headers.range, h);
      return answer.header('cache-control', 'private, no-store').header('content-disposition', 'inline');
    },
  });

  route(server, {
    method: 'PUT',
    path: '/me/voicemails/{id}',
    permission: 'me',
    summary: 'Marks a message as heard, or as new again',
    params: idParams,
    payload: z.strictObject({ heard: z.boolean() }),
    response: view,
    handler: async ({ actor, params, payload }) => {
      await store.setHeard(actor.userId, params.id, payload.heard);
      return mine(actor.userId, params.id);
    },
  });

  route(server, {
    method: 'DELETE',
    path: '/me/voicemails/{id}',
    permission: 'me',
    summary: 'Takes a message out of my mailbox; the recording stays with its call as long as its rule says',
    params: idParams,
    status: 204,
    audit: { action: 'voicemail.deleted', entity: 'voicemail' },
    handler: async ({ actor, params, h }) => {
      if (!(await store.remove(actor.userId, params.id))) throw unknown();
      return h.response().code(204);
    },
  });

  async function mine(userId: string, id: string) {
    const found = await store.get(userId, id);
    if (!found) throw unknown();
    return found;
  }
}

function unknown(): AppError {
  return new AppError('not-found', 'not-found', 'There is no such message in your mailbox.');
}

function cursorOf(text: string): VoicemailCursor {
  const [leftAt = '', id = ''] = text.split('~');
  const valid = z.object({ leftAt: z.iso.datetime(), id: uuid }).safeParse({ leftAt, id });
  if (!valid.success) throw new AppError('invalid', 'bad-cursor', 'This is no cursor of this list.');
  return valid.data;
}
