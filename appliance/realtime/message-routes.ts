import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { idParams, text, uuid } from '#appliance/http/schemas.ts';
import { actorKey } from './hub.ts';
import type { Messages } from './messages.ts';
import type { Topics } from './topic.ts';

/** Notes to a person's desk. Everybody who is signed in may answer; what is unread is the topic `messages`. */
export function messageRoutes(server: Server, { messages }: { messages: Messages }): void {
  route(server, {
    method: 'POST',
    path: '/users/{id}/messages',
    permission: 'me',
    summary: 'Puts a short note on somebody’s desk',
    params: idParams,
    payload: z.object({ text: text(500, 1) }).strict(),
    response: z.object({ id: uuid }),
    status: 201,
    handler: ({ params, payload, actor }) => messages.send(actor.userId, params.id, payload.text),
  });

  route(server, {
    method: 'POST',
    path: '/me/messages/{id}/read',
    permission: 'me',
    summary: 'Puts a note away',
    params: idParams,
    handler: ({ params, actor }) => messages.read(actor.userId, params.id),
  });
}

export function registerMessageTopic(topics: Topics, { messages }: { messages: Messages }): void {
  topics.registerTopic('messages', {
    permission: 'me',
    shape: 'list',
    key: actorKey,
    snapshot: (actor) => messages.unread(actor.userId),
    affects: (event) => (event.type === 'message.changed' ? [event.userId] : false),
  });
}
