import type { Readable } from 'node:stream';
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { crud, versionOf } from '#appliance/http/crud.ts';
import { route } from '#appliance/http/route.ts';
import { idParams, text, time, uuid } from '#appliance/http/schemas.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { wavOf } from './audio.ts';
import { MAX_UPLOAD_BYTES } from './convert.ts';
import { NO_LANGUAGE, type Prompts } from './prompts.ts';
import { MAX_TEXT, speak } from './speech.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,79}$/, 'a name of small letters, digits, dots and dashes');
const language = z
  .string()
  .regex(/^([a-z]{2}(-[A-Z]{2})?|\*)$/, 'a language such as en or de, or * for sounds without words');
const fields = z.object({ name, language, text: text(MAX_TEXT).nullable().default(null) });
const view = fields.extend({ source: z.enum(['upload', 'speech', 'builtin']), durationS: z.number() });
const answer = view.extend({ id: uuid, version: z.number(), createdAt: time, updatedAt: time });
/** What browsers and tools call sound; what it really is, the conversion finds out. */
const AUDIO_TYPES = [
  'mpeg',
  'mp3',
  'wav',
  'x-wav',
  'wave',
  'vnd.wave',
  'ogg',
  'opus',
  'flac',
  'x-flac',
  'mp4',
  'm4a',
  'x-m4a',
  'aac',
  'webm',
  'amr',
  'aiff',
  'x-aiff',
  'basic',
];
const upload = {
  maxBytes: MAX_UPLOAD_BYTES,
  contentTypes: [
    ...AUDIO_TYPES.map((type) => `audio/${type}`),
    'video/webm',
    'video/mp4',
    'application/ogg',
    'application/octet-stream',
  ],
};

/** /prompts: what callers hear. */
export function promptRoutes(server: Server, { prompts }: { prompts: Prompts }): void {
  // Before /prompts/{id}: these are names, not ids.
  route(server, {
    method: 'POST',
    path: '/prompts/speak',
    permission: 'prompts:write',
    summary: 'Speaks a text, to listen to before it is kept (WAV)',
    payload: z.object({ text: text(MAX_TEXT, 1), language: z.string().max(10) }),
    handler: async ({ payload, h }) => h.response(wavOf(await speak(payload.text, payload.language))).type('audio/wav'),
  });

  route(server, {
    method: 'POST',
    path: '/prompts/upload',
    permission: 'prompts:write',
    summary: 'Makes a prompt from a recording: any audio file as the body, 50 MB and 30 minutes at most',
    query: z.object({ name, language, text: text(MAX_TEXT).optional() }),
    upload,
    response: answer,
    status: 201,
    audit: { action: 'prompt.created', entity: 'prompt', entityId: (_, result) => (result as { id: string }).id },
    handler: async ({ query, request }) => {
      const row = await prompts.store.create({
        name: query.name,
        language: query.language,
        text: query.text ?? null,
        ...(await prompts.convert(request.payload as Readable)),
      });
      changed(row.id);
      return row;
    },
  });

  crud(server, {
    path: '/prompts',
    noun: 'prompt',
    permission: 'prompts',
    schema: fields,
    viewSchema: view,
    store: prompts.store,
    async prepare(given, { current }) {
      const text_ = given.text === undefined ? current?.text : given.text;
      const language_ = given.language ?? current?.language ?? 'en';
      // The text of a recording is a note about it; the text of a spoken prompt is the prompt.
      if (current?.source === 'upload') return given;
      if (!text_) {
        if (current && current.language === NO_LANGUAGE) return given;
        throw new AppError(
          'invalid',
          'text-missing',
          'Write what is to be said, or upload a recording at /prompts/upload.',
        );
      }
      if (current && text_ === current.text && language_ === current.language) return given;
      return { ...given, ...(await prompts.speak(text_, language_)) };
    },
  });

  route(server, {
    method: 'PUT',
    path: '/prompts/{id}/audio',
    permission: 'prompts:write',
    summary: 'Replaces the sound of a prompt by a recording',
    params: idParams,
    upload,
    response: answer,
    conditional: true,
    audit: { action: 'prompt.updated', entity: 'prompt' },
    handler: async ({ params, request }) => {
      const current = await existing(params.id);
      const version = versionOf(request.headers['if-match']) ?? current.version;
      const row = await prompts.store.update(params.id, version, await prompts.convert(request.payload as Readable));
      changed(row.id);
      return row;
    },
  });

  route(server, {
    method: 'GET',
    path: '/prompts/{id}/audio',
    permission: 'prompts:read',
    summary: 'The sound of a prompt as callers hear it (WAV)',
    params: idParams,
    handler: async ({ params, h }) => {
      const { media } = await existing(params.id);
      return h
        .response(wavOf(await prompts.files.read(media)))
        .type('audio/wav')
        .header('cache-control', 'private, no-cache')
        .etag(media);
    },
  });

  async function existing(id: string) {
    const row = await prompts.store.get(id);
    if (!row) throw new AppError('not-found', 'not-found', 'There is no such prompt.');
    return row;
  }

  function changed(id: string): void {
    server.app.bus.publish({ type: 'config.changed', entity: 'prompt', id });
  }
}
