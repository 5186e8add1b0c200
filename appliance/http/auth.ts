import type { Server } from '@hapi/hapi';
import type { Knex } from 'knex';
import type { Actor, AuditInput, Permission, Role } from '#appliance/contract/identity.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { isSameOrigin } from './origin.ts';

/** What http needs of security: who holds a token, and what a role may do. */
export interface Gatekeeper {
  /** Undefined when the token is unknown, expired or revoked. */
  identify(token: string, address: string): Promise<Actor | undefined>;
  allows(role: Role, permission: Permission): boolean;
}

type Transaction = Knex.Transaction;

export interface AuditSink {
  /** Resolves after commit; with a transaction of the caller, after the insertion in it. */
  record(entry: AuditInput, trx?: Transaction): Promise<void>;
}

export type Access = Permission | 'public' | 'signed-in';

declare module '@hapi/hapi' {
  interface PluginSpecificConfiguration {
    strongroom?: { access: Access };
  }
  interface UserCredentials {
    actor: Actor;
  }
}

export const SESSION_COOKIE = 'sid';

/** The only strategy, and the default one: a route that says nothing is refused. */
export function sessionStrategy(server: Server, gatekeeper: Gatekeeper, origins: readonly string[]): void {
  server.state(SESSION_COOKIE, {
    isHttpOnly: true,
    isSecure: true,
    isSameSite: 'Strict',
    path: '/',
    encoding: 'none',
    ignoreErrors: true,
    strictHeader: true,
  });
  server.auth.scheme('strongroom-session', () => ({
    async authenticate(request, h) {
      const access = request.route.settings.plugins?.strongroom?.access;
      if (!access || access === 'public')
        throw new AppError('forbidden', 'undeclared', 'This route names no permission');
      const { token, kind } = credentialOf(request.headers, request.state[SESSION_COOKIE]);
      const address = addressOf(request.info.remoteAddress);
      const actor = token && (await gatekeeper.identify(token, address));
      if (!actor) throw new AppError('unauthenticated', 'unauthenticated', 'Sign in first');
      // SameSite=Strict keeps the cookie at home already; this also stops a page on another port of the same host.
      if (kind === 'cookie' && !isSafe(request.method) && !isSameOrigin(request.headers, origins)) {
        throw new AppError('forbidden', 'cross-site', 'Refused: the request did not come from this site');
      }
      if (actor.mustChangePassword && access !== 'signed-in') {
        throw new AppError('forbidden', 'password-change-required', 'Choose a new password first');
      }
      if (access !== 'signed-in' && !gatekeeper.allows(actor.role, access)) {
        throw new AppError(
          'forbidden',
          'forbidden',
          `Your role (${actor.role}) does not have the permission ${access}`,
        );
      }
      return h.authenticated({ credentials: { user: { actor } } });
    },
  }));
  server.auth.strategy('session', 'strongroom-session');
  server.auth.default('session');
}

/** The session token of a request: a Bearer header wins over the cookie. */
export function credentialOf(
  headers: { authorization?: string | undefined },
  cookie: unknown,
): { token: string | undefined; kind: 'bearer' | 'cookie' } {
  const bearer = /^Bearer ([A-Za-z0-9_-]{20,100})$/i.exec(headers.authorization ?? '');
  if (bearer) return { token: bearer[1]!, kind: 'bearer' };
  if (headers.authorization !== undefined) return { token: undefined, kind: 'bearer' };
  return {
    token: typeof cookie === 'string' && /^[A-Za-z0-9_-]{20,100}$/.test(cookie) ? cookie : undefined,
    kind: 'cookie',
  };
}

/** IPv4 as people write it, also when it came in on an IPv6 socket. */
export function addressOf(remoteAddress: string | undefined): string {
  return (remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}

function isSafe(method: string): boolean {
  return method === 'get' || method === 'head' || method === 'options';
}
