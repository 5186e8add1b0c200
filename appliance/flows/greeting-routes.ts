import type { Readable } from 'node:stream';
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { route } from '#appliance/http/route.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { wavOf } from './audio.ts';
import { greetingOf } from './greetings.ts';
import { NO_LANGUAGE, type Prompts } from './prompts.ts';

const MOST_BYTES = 5 * 1024 * 1024;
const MOST_S = 120;
const TYPES = ['wav', 'x-wav', 'wave', 'webm', 'ogg', 'opus', 'mpeg', 'mp3', 'mp4', 'm4a', 'x-m4a', 'flac', 'aac'];
const view = z.object({ own: z.boolean(), durationS: z.number().nullable() });

/** What callers hear before they leave a message for me: my own recording, or the sentence of the house. */
export function greetingRoutes(server: Server, { prompts }: { prompts: Prompts }): void {
  route(server, {
    method: 'GET',
    path: '/me/voicemail-greeting',
    permission: 'me',
    summary: 'Whether callers hear a greeting of my own',
    response: view,
    handler: async ({ actor }) => show(await own(actor.userId)),
  });

  route(server, {
    method: 'GET',
    path: '/me/voicemail-greeting/audio',
    permission: 'me',
    summary: 'My greeting as callers hear it (WAV)',
    handler: async ({ actor, h }) => {
      const row = await own(actor.userId);
      if (!row) throw new AppError('not-found', 'not-found', 'You have no greeting of your own.');
      return h
        .response(wavOf(await prompts.files.read(row.media)))
        .type('audio/wav')
        .header('cache-control', 'private, no-store');
    },
  });

  route(server, {
    method: 'PUT',
    path: '/me/voicemail-greeting',
    permission: 'me',
    summary: 'My greeting, from a recording: any audio file as the body, 5 MB and two minutes at most',
    upload: {
      maxBytes: MOST_BYTES,
      contentTypes: [...TYPES.map((type) => `audio/${type}`), 'video/webm', 'video/mp4'],
    },
    response: view,
    status: 200,
    audit: { action: 'voicemail.greeting-set', entity: 'agent', entityId: ({ actor }) => actor.userId },
    handler: async ({ actor, request }) => {
      const sound = await prompts.convert(request.payload as Readable);
      if (sound.durationS > MOST_S)
        throw new AppError('invalid', 'too-long', 'The greeting is longer than two minutes. Record a shorter one.');
      const row = await own(actor.userId);
      const kept = row
        ? await prompts.store.update(row.id, row.version, sound)
        : await prompts.store.create({ name: greetingOf(actor.userId), language: NO_LANGUAGE, text: null, ...sound });
      changed(kept.id);
      return show(kept);
    },
  });

  route(server, {
    method: 'DELETE',
    path: '/me/voicemail-greeting',
    permission: 'me',
    summary: 'Back to the sentence of the house',
    status: 204,
    audit: { action: 'voicemail.greeting-removed', entity: 'agent', entityId: ({ actor }) => actor.userId },
    handler: async ({ actor, h }) => {
      const row = await own(actor.userId);
      if (row) {
        await prompts.store.remove(row.id, row.version);
        changed(row.id);
      }
      return h.response().code(204);
    },
  });

  async function own(userId: string) {
    const rows = await prompts.store.all();
    return rows.find(({ name }) => name === greetingOf(userId));
  }

  function changed(id: string): void {
    server.app.bus.publish({ type: 'config.changed', entity: 'prompt', id });
  }
}

function show(row: { durationS: number } | undefined): z.input<typeof view> {
  return { own: row !== undefined, durationS: row?.durationS ?? null };
}
