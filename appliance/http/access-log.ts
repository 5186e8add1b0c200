import type { Plugin } from '@hapi/hapi';
import { addressOf } from './auth.ts';

/** One line per answer: who, what, how long. Never a query, a header or a body: secrets travel there. */
export const accessLog: Plugin<void> = {
  name: 'http/access-log',
  register(server) {
    const { log } = server.app;
    server.events.on('response', (request) => {
      const status = 'statusCode' in request.response ? request.response.statusCode : 500;
      const tookMs = Math.max(0, (request.info.responded || Date.now()) - request.info.received);
      const line = {
        method: request.method.toUpperCase(),
        path: request.path.slice(0, 300),
        status,
        tookMs,
        address: addressOf(request.info.remoteAddress),
        ...(request.auth.credentials?.user && { user: request.auth.credentials.user.actor.username }),
      };
      if (status >= 500) log.warn(line, 'answered');
      else if (status >= 400 || request.method !== 'get') log.info(line, 'answered');
      else log.debug(line, 'answered');
    });
    // hapi prints nothing by itself, and a bug in an extension never reaches onPreResponse.
    server.events.on({ name: 'request', channels: 'error' }, (request, event) => {
      log.error({ err: event.error, path: request.path, requestId: request.info.id }, 'unexpected failure');
    });
    server.events.on('log', (event, tags) => {
      // A client that does not trust the certificate, or speaks no HTTP: its own affair, and anybody could fill the log with it.
      if (tags.connection && tags.client) log.debug({ err: event.error }, 'a client broke off its connection');
      else if (tags.error || event.error) log.error({ err: event.error, tags: event.tags }, 'server event');
    });
  },
};
