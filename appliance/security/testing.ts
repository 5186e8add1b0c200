import type { Server } from '@hapi/hapi';
import type { BusEvent } from '#appliance/contract/bus.ts';
import type { Role } from '#appliance/contract/identity.ts';
import { createServer } from '#appliance/http/server.ts';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import type { HeadKeeper } from './audit-head.ts';
import { auditRoutes } from './audit-routes.ts';
import { createSecurity, type Security } from './security.ts';
import { sessionRoutes } from './session-routes.ts';
import { userRoutes } from './user-routes.ts';

export const PASSWORD = 'correct horse 42';

export interface TestBox {
  server: Server;
  security: Security;
  clock: ManualClock;
  published: BusEvent[];
  /** Makes a user of that role, named like it, signed in. */
  signedIn(role: Role, username?: string): Promise<{ id: string; token: string; headers: { authorization: string } }>;
}

/** Security over a real database, with a clock that stands still: for tests of this room and of those above. */
export async function testBox(db: Database, options: { head?: HeadKeeper } = {}): Promise<TestBox> {
  const clock = new ManualClock('2026-03-02T08:00:00Z');
  const published: BusEvent[] = [];
  const bus = { publish: (event: BusEvent) => void published.push(event) };
  const secrets = {
    seal: (text: string, context: string) => `${context}|${text}`,
    open: (sealed: string) => sealed.split('|')[1]!,
  };
  const security = createSecurity({ db, bus, secrets, clock, log: silentLog, ...options });
  const server = await createServer({ log: silentLog, gatekeeper: security.gatekeeper, audit: security.audit, bus });
  await server.register([
    { plugin: sessionRoutes, options: { security } },
    { plugin: userRoutes, options: { security } },
    { plugin: auditRoutes, options: { security } },
  ]);
  return {
    server,
    security,
    clock,
    published,
    async signedIn(role, username = role) {
      const { id } = await security.users.create({ username, displayName: username, role, password: PASSWORD });
      const { token } = await security.sessions.signIn(
        { username, password: PASSWORD },
        { address: '192.0.2.1', userAgent: null },
      );
      return { id, token, headers: { authorization: `Bearer ${token}` } };
    },
  };
}
