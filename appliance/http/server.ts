import Hapi, { type Server } from '@hapi/hapi';
import type { BusEvent } from '#appliance/contract/bus.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import { accessLog } from './access-log.ts';
import { type AuditSink, type Gatekeeper, sessionStrategy } from './auth.ts';
import { errorMapping } from './errors.ts';
import { securityHeaders } from './headers.ts';
import { API_PREFIX, type RouteRecord } from './route.ts';
import { type UpgradeHandler, upgrades } from './upgrades.ts';

declare module '@hapi/hapi' {
  interface ServerApplicationState {
    log: Log;
    audit: AuditSink;
    gatekeeper: Gatekeeper;
    bus: { publish(event: BusEvent): void };
    /** Every route of the API, in the order declared. */
    routes: RouteRecord[];
    /** WebSocket doors by path. */
    upgrades: Map<string, UpgradeHandler>;
    /** Origins besides our own that may use the cookie: development servers of the user interface. */
    origins: readonly string[];
  }
}

export interface ServerOptions {
  log: Log;
  gatekeeper: Gatekeeper;
  audit: AuditSink;
  bus: { publish(event: BusEvent): void };
  /** PEM texts; without it the server speaks plain HTTP (tests, and the redirecting door). */
  tls?: { key: string; cert: string };
  port?: number;
  host?: string;
  origins?: readonly string[];
}

const KEEP_ALIVE_MS = 75_000;
const HEADERS_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 150_000; // longer than the longest upload's own limit

/** The composed server, not listening yet: tests inject into it, `roles/web.ts` starts it. */
export async function createServer({
  log,
  gatekeeper,
  audit,
  bus,
  tls,
  port,
  host,
  origins = [],
}: ServerOptions): Promise<Server> {
  const server = Hapi.server({
    port: port ?? 0,
    host: host ?? '127.0.0.1',
    ...(tls && { tls: { ...tls, minVersion: 'TLSv1.2' as const } }),
    debug: false,
    router: { stripTrailingSlash: true },
    routes: {
      payload: { maxBytes: 1024 * 1024, timeout: 10_000 },
      timeout: { server: 60_000, socket: 150_000 },
      state: { parse: true, failAction: 'ignore' },
      response: { emptyStatusCode: 204 },
    },
  });
  Object.assign(server.app, { log, audit, gatekeeper, bus, routes: [], upgrades: new Map(), origins });
  const { listener } = server;
  listener.keepAliveTimeout = KEEP_ALIVE_MS;
  listener.headersTimeout = HEADERS_WITHIN_MS;
  listener.requestTimeout = REQUEST_WITHIN_MS;
  listener.maxHeadersCount = 100;

  sessionStrategy(server, gatekeeper, origins);
  refuseUndeclared(server);
  await server.register([errorMapping, securityHeaders, accessLog, upgrades]);
  return server;
}

/** Under the API, a route that did not come through `route()` stops the start: nobody reaches what names no permission. */
function refuseUndeclared(server: Server): void {
  server.events.on('route', (added) => {
    if (added.path.startsWith(API_PREFIX) && !added.settings.plugins?.strongroom?.access) {
      throw new Error(`${added.method.toUpperCase()} ${added.path} names no permission: declare it with route()`);
    }
  });
}
