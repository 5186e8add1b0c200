import { isBoom } from '@hapi/boom';
import type { Plugin, Request } from '@hapi/hapi';
import { AppError, type ErrorKind, messageOf } from '#appliance/kernel/errors.ts';
import { asAppError } from '#appliance/platform/postgres/index.ts';

const STATUS: Record<ErrorKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-many': 429,
  unavailable: 503,
};

/** Statuses that a code asks for more exactly than its kind does. */
const STATUS_OF_CODE: Record<string, number> = {
  stale: 412, // RFC 9110 §15.5.13
  'version-missing': 428, // RFC 6585 §3
  'range-not-satisfiable': 416,
};

/** Our codes for what hapi itself refuses, before any of our code runs. */
const CODE_OF_STATUS: Record<number, string> = {
  400: 'malformed',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  408: 'timed-out',
  413: 'too-large',
  415: 'content-type',
  416: 'range-not-satisfiable',
  503: 'unavailable',
};

export interface ErrorBody {
  code: string;
  message: string;
  details?: unknown;
}

/** The one place where a failure becomes an HTTP answer. Bugs stay 500, are logged whole and told as nothing. */
export const errorMapping: Plugin<void> = {
  name: 'http/errors',
  register(server) {
    server.ext('onPreResponse', (request, h) => {
      const { response } = request;
      if (!isBoom(response)) return h.continue;
      const { status, body, bug, retryAfterS } = answerTo(response, request);
      if (bug) {
        server.app.log.error(
          { err: response, requestId: request.info.id, route: request.route.path },
          'request failed unexpectedly',
        );
      }
      const answer = h.response(body).code(status).type('application/json');
      if (retryAfterS !== undefined) answer.header('retry-after', String(retryAfterS));
      if (status === 401) answer.header('www-authenticate', 'Bearer realm="strongroom"');
      return answer;
    });
  },
};

interface Answer {
  status: number;
  body: ErrorBody;
  bug?: boolean;
  retryAfterS?: number;
}

export function answerTo(error: Error, request?: Pick<Request, 'info'>): Answer {
  const known = error instanceof AppError ? error : databaseError(error);
  if (known) {
    const { code, kind, details } = known;
    // The database's own sentence quotes the statement; a person needs neither that nor the values in it.
    const message =
      code === 'invalid-value' && known.cause ? 'A value is outside what the database allows.' : known.message;
    const retryAfterS = kind === 'too-many' ? retryAfter(details) : kind === 'unavailable' ? 2 : undefined;
    return {
      status: STATUS_OF_CODE[code] ?? STATUS[kind],
      body: { code, message, ...(details !== undefined && { details }) },
      ...(retryAfterS !== undefined && { retryAfterS }),
    };
  }
  const status = isBoom(error) ? error.output.statusCode : 500;
  if (status < 500 && isBoom(error)) {
    return { status, body: { code: CODE_OF_STATUS[status] ?? 'refused', message: error.output.payload.message } };
  }
  if (status === 503) return { status, body: { code: 'unavailable', message: messageOf(error) }, retryAfterS: 2 };
  return {
    status: 500,
    bug: true,
    body: {
      code: 'internal',
      message: 'Something went wrong in the box. It was logged.',
      ...(request && { details: { requestId: request.info.id } }),
    },
  };
}

/** PostgreSQL's refusals that reached us as they came. https://www.postgresql.org/docs/15/errcodes-appendix.html */
function databaseError(error: Error & { code?: unknown; syscall?: unknown }): AppError | undefined {
  if (error.code === 'ENOENT' && error.syscall !== 'connect') return undefined; // a file of ours, not the database's socket
  if (error.code === '40001' || error.code === '40P01')
    return new AppError('unavailable', 'busy', 'Two changes collided; try again.');
  if (error.code === '22021') return new AppError('invalid', 'invalid-value', 'Texts hold no NUL character.');
  const known = asAppError(error);
  return known instanceof AppError ? known : undefined;
}

function retryAfter(details: unknown): number {
  const seconds = (details as { retryAfterS?: unknown } | undefined)?.retryAfterS;
  return typeof seconds === 'number' ? Math.max(1, Math.ceil(seconds)) : 5;
}
