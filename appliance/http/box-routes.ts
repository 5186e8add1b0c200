import { timingSafeEqual } from 'node:crypto';
import type { Server } from '@hapi/hapi';
import { z } from 'zod';
import { AppError } from '#appliance/kernel/errors.ts';
import type { HealthReport } from '#appliance/platform/health/index.ts';
import { addressOf } from './auth.ts';
import { route } from './route.ts';

const component = z.object({ status: z.enum(['ok', 'degraded', 'down']), detail: z.string() });
const report = z.object({
  status: z.enum(['ok', 'degraded', 'down']),
  version: z.string(),
  components: z.object({
    postgres: component,
    redis: component,
    rtpengine: component,
    voice: component,
    media: component,
    web: component,
    work: component,
  }),
});

interface Options {
  health: () => Promise<HealthReport>;
  metrics: () => Promise<string>;
  /** Lets others than localhost read the metrics. */
  metricsToken: string | undefined;
}

/** How often at most the parts are asked: whoever polls without sign-in costs nothing. */
const HEALTH_FRESH_MS = 1000;

/** What watches the box: load balancers, Prometheus. */
export function boxRoutes(server: Server, { health, metrics, metricsToken }: Options): void {
  let asked: { at: number; answer: Promise<HealthReport> } | undefined;

  route(server, {
    method: 'GET',
    path: '/health',
    permission: 'public',
    summary: 'How the box is; 503 when a part of it is down',
    response: report,
    handler: async ({ h }) => {
      // Not by the time of day: a clock set back must not make an old answer last.
      const now = performance.now();
      if (!asked || now - asked.at > HEALTH_FRESH_MS) asked = { at: now, answer: health() };
      const answer = await asked.answer;
      return h.response(answer).code(answer.status === 'down' ? 503 : 200);
    },
  });

  server.route({
    method: 'GET',
    path: '/metrics',
    options: { auth: false, plugins: { strongroom: { access: 'public' } } },
    handler: async (request, h) => {
      const address = addressOf(request.info.remoteAddress);
      const local = address === '::1' || address.startsWith('127.');
      if (!local && !holds(request.headers.authorization, metricsToken)) {
        throw new AppError(
          'forbidden',
          'forbidden',
          'Metrics are for this machine, or for who holds the metrics token',
        );
      }
      return h
        .response(await metrics())
        .type('text/plain; version=0.0.4; charset=utf-8')
        .header('cache-control', 'no-store');
    },
  });
}

function holds(header: unknown, token: string | undefined): boolean {
  if (!token || typeof header !== 'string') return false;
  const given = Buffer.from(header);
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
