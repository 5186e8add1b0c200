// Two parties for tests: real stacks on loopback sockets, and a lossy UDP peer between them where asked.
import type { SipLog, SipStack, SipStackOptions } from '../api.ts';
import { parseUri } from '../message/uri.ts';
import { createSipStack } from '../stack.ts';

export const quiet: SipLog = {
  debug() {},
  info() {},
  warn() {},
  error(fields, message) {
    throw new Error(
      `${message}: ${JSON.stringify(fields, Object.getOwnPropertyNames((fields as { err?: object }).err ?? {}))}`,
    );
  },
};

/** A stack at a loopback port, started. Timers are a tenth of the RFC's unless given. */
export async function startStack(port: number, options: Partial<SipStackOptions> = {}): Promise<SipStack> {
  const stack = createSipStack({
    listen: { udp: { host: '127.0.0.1', port } },
    userAgent: 'test',
    log: quiet,
    timers: { t1Ms: 50, t2Ms: 400, t4Ms: 500 },
    ...options,
  });
  await stack.start();
  return stack;
}

export function callTo(uri: string, extra: object = {}) {
  return {
    to: parseUri(uri),
    from: { uri: parseUri('sip:alice@127.0.0.1'), displayName: 'Alice' },
    contact: { user: 'alice' },
    contentType: 'application/sdp',
    body: 'v=0\r\n',
    ...extra,
  };
}

/** The next value a callback gets. */
export function next<T>(subscribe: (listener: (value: T) => void) => void): Promise<T> {
  return new Promise((resolve) => subscribe(resolve));
}
