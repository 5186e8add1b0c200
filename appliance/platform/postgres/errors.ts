import { AppError } from '#appliance/kernel/errors.ts';

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '53300', // too_many_connections
  '25006', // read_only_sql_transaction: a replica during a fail-over
]);
const CONNECTION_TEXT =
  /Connection terminated|timeout expired|Timeout acquiring a connection|Client has encountered a connection error|not queryable|Connection ended unexpectedly|server closed the connection/i;

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** PostgreSQL cannot be reached or is not taking work: the same statement may succeed later. */
export function isConnectionError(error: unknown): boolean {
  const code = codeOf(error);
  if (CONNECTION_CODES.has(code) || code.startsWith('08')) return true;
  if (error instanceof AggregateError) return error.errors.some(isConnectionError);
  return error instanceof Error && CONNECTION_TEXT.test(error.message);
}

/** Refused for reasons that lie in the moment, not in the rows: deadlock, serialisation, no memory or disk, lock time-out. */
export function isTransientError(error: unknown): boolean {
  const code = codeOf(error);
  return isConnectionError(error) || code.startsWith('40') || code.startsWith('53') || code === '55P03';
}

/** What the database refused, in words for the caller; anything else is returned as it came. */
export function asAppError(error: unknown): unknown {
  const detail = (error as { detail?: unknown } | null)?.detail;
  const sentence = typeof detail === 'string' ? detail : 'The database refused the value.';
  switch (codeOf(error)) {
    case '23505':
      return new AppError('conflict', 'already-exists', sentence, undefined, { cause: error });
    case '23503':
      return /still referenced/.test(sentence)
        ? new AppError('conflict', 'in-use', sentence, undefined, { cause: error })
        : new AppError('invalid', 'unknown-reference', sentence, undefined, { cause: error });
    case '23502':
    case '23514':
    case '22001':
    case '22003':
    case '22007':
    case '22P02':
    case '22P05':
      return new AppError('invalid', 'invalid-value', (error as Error).message, undefined, { cause: error });
  }
  if (isConnectionError(error)) {
    return new AppError('unavailable', 'database-away', 'The database cannot be reached.', undefined, { cause: error });
  }
  return error;
}
