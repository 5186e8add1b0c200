import pino from 'pino';

export type Log = pino.Logger;
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Names under which a secret could travel in a logged object; their values never reach a log line. */
const SECRETS = ['password', 'token', 'secret', 'authorization', 'cookie', 'otp', 'ha1', 'sipPassword', 'cardNumber'];

/** One JSON line per event on standard output; whoever started the process keeps it. */
export function createLog(options: { role: string; level?: LogLevel; instance?: string }): Log {
  return pino({
    level: options.level ?? 'info',
    base: options.instance ? { role: options.role, instance: options.instance } : { role: options.role },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
      censor: '[hidden]',
    },
  });
}

/** For tests: takes everything, writes nothing. */
export const silentLog: Log = pino({ level: 'silent' });
