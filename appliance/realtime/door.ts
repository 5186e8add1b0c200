import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Server } from '@hapi/hapi';
import { WebSocketServer } from 'ws';
import { addressOf, credentialOf, SESSION_COOKIE } from '#appliance/http/auth.ts';
import { isSameOrigin } from '#appliance/http/origin.ts';
import { refuseUpgrade } from '#appliance/http/upgrades.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import { CLOSE, LIMITS, LiveConnection } from './connection.ts';
import type { LiveHub } from './hub.ts';

export const LIVE_PATH = '/api/v1/live';
const MAX_CONNECTIONS = 5000;
const MAX_PER_USER = 30;
const CHECK_EVERY_MS = 60_000;

interface Deps {
  hub: LiveHub;
  sessions: {
    isAlive(sessionId: string): Promise<boolean>;
    /** An open feed keeps its session from going idle. */
    touch(sessionId: string): Promise<void>;
  };
  clock: Clock;
  log: Log;
}

export interface LiveDoor {
  readonly open: number;
  close(): Promise<void>;
}

/** WSS /api/v1/live: lets in who is signed in, from our own pages, and puts out whose session ended. */
export function openLiveDoor(server: Server, { hub, sessions, clock, log }: Deps): LiveDoor {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: LIMITS.messageBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  const connections = new Set<LiveConnection>();

  server.app.upgrades.set(LIVE_PATH, (request, socket, head) => {
    admit(request, socket, head).catch((error) => {
      log.warn({ err: error }, 'a live feed could not be opened');
      refuseUpgrade(socket, 503, 'Service Unavailable');
    });
  });
  const offEvents = hub.onEvent((event) => {
    if (event.type === 'session.revoked')
      void check([...connections].filter(({ actor }) => actor.userId === event.userId));
  });
  let cancelCheck: () => void;
  const checkLater = () => {
    cancelCheck = clock.after(CHECK_EVERY_MS, async () => {
      await check([...connections]);
      checkLater();
    });
  };
  checkLater();

  async function admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { token, kind } = credentialOf(request.headers, cookieOf(request.headers.cookie, SESSION_COOKIE));
    const mustBeOurs = request.headers.origin !== undefined || (token !== undefined && kind === 'cookie');
    const foreign = mustBeOurs && !isSameOrigin(request.headers, server.app.origins);
    if (foreign) return refuseUpgrade(socket, 403, 'Forbidden');
    const address = addressOf(request.socket.remoteAddress);
    const actor = token ? await server.app.gatekeeper.identify(token, address) : undefined;
    if (!actor) return refuseUpgrade(socket, 401, 'Unauthorized');
    if (actor.mustChangePassword) return refuseUpgrade(socket, 403, 'Forbidden');
    const mine = [...connections].filter((other) => other.actor.userId === actor.userId).length;
    if (connections.size >= MAX_CONNECTIONS || mine >= MAX_PER_USER)
      return refuseUpgrade(socket, 429, 'Too Many Requests');
    if (socket.destroyed) return;
    wss.handleUpgrade(request, socket, head, (ws) => {
      const connection = new LiveConnection({ socket: ws, actor, hub, clock, log });
      connections.add(connection);
      ws.on('close', () => connections.delete(connection));
    });
  }

  async function check(some: LiveConnection[]): Promise<void> {
    const bySession = Map.groupBy(some, ({ actor }) => actor.sessionId);
    for (const [sessionId, group] of bySession) {
      try {
        if (await sessions.isAlive(sessionId)) await sessions.touch(sessionId);
        else for (const connection of group) connection.close(CLOSE.signedOut, 'signed out');
      } catch (error) {
        log.debug({ err: error }, 'sessions cannot be checked at the moment');
      }
    }
  }

  return {
    get open() {
      return connections.size;
    },
    async close() {
      server.app.upgrades.delete(LIVE_PATH);
      offEvents();
      cancelCheck();
      for (const connection of connections) connection.close(CLOSE.stopping, 'the box is stopping');
      hub.close();
    },
  };
}

/** The value of a cookie in a header that a stranger wrote. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? '').slice(0, 8192).split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
  }
  return undefined;
}
