// The role `web`: API, live feed, user interface, and the way in for phones in browsers.
import { fileURLToPath } from 'node:url';
import type { Server } from '@hapi/hapi';
import { boxRoutes } from '#appliance/http/box-routes.ts';
import { followCertificate, readCertificate } from '#appliance/http/certificate.ts';
import { docsPage } from '#appliance/http/docs-page.ts';
import { httpMetrics } from '#appliance/http/http-metrics.ts';
import { openapiRoute } from '#appliance/http/openapi.ts';
import { servePages } from '#appliance/http/pages.ts';
import { openPlainDoor } from '#appliance/http/plain-door.ts';
import { createServer } from '#appliance/http/server.ts';
import { openSipDoor } from '#appliance/http/sip-door.ts';
import { systemClock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import { createBus } from '#appliance/platform/bus/index.ts';
import { readHealth, readHeartbeats } from '#appliance/platform/health/index.ts';
import { createJobs } from '#appliance/platform/jobs/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import { readMetrics } from '#appliance/platform/metrics/index.ts';
import { createBatch, openDatabase } from '#appliance/platform/postgres/index.ts';
import { openRedis } from '#appliance/platform/redis/index.ts';
import { openSecrets } from '#appliance/platform/secrets/index.ts';
import { createTopics, createWatch, type LiveDoor, LiveHub, openLiveDoor } from '#appliance/realtime/index.ts';
import { declareRecordingJobs } from '#appliance/recordings/index.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { declareBackupJobs } from './backups/index.ts';
import { partsWatched } from './box-watch.ts';
import type { StartRole } from './context.ts';
import { registerDomains, registerTopics } from './web-domains.ts';
import { createWebServices, type WebServices } from './web-services.ts';

const PAGES = fileURLToPath(new URL('../../ui/build', import.meta.url));
const SWEEP_MS = 3_600_000;
const DRAIN_MS = 5000;
const WATCH_MS = 2000;

export const start: StartRole = async ({ config, log, instance, metrics }) => {
  const clock = systemClock;
  const db = openDatabase(config.postgresUrl, { poolMax: 12, applicationName: 'strongroom web' });
  const batch = createBatch(db, { log });
  const bus = await createBus({ redisUrl: config.redisUrl, instance, log });
  const redis = openRedis(config.redisUrl, log);
  const secrets = openSecrets(config.paths.keys);
  const jobs = createJobs({ redisUrl: config.redisUrl, log });
  declareRecordingJobs(jobs);
  declareBackupJobs(jobs);
  const heartbeats = () => readHeartbeats(redis, config.redisUrl);
  const services = createWebServices({ config, db, batch, bus, secrets, jobs, clock, log, heartbeats });
  await services.start();

  const certificate = { certFile: config.tlsCert, keyFile: config.tlsKey };
  const server = await createServer({
    log,
    bus,
    gatekeeper: services.security.gatekeeper,
    audit: services.security.audit,
    tls: readCertificate(certificate),
    port: config.httpsPort,
    host: config.bind,
  });
  await registerDomains(server, services);
  const live = openLive(server, services, log);
  const sip = openSipDoor(server, { socketPath: config.paths.sipWebSocket, log });
  const health = () => readHealth({ db, redis, config, version: packageJson.version });
  boxRoutes(server, {
    health,
    metrics: () => readMetrics(redis, config.redisUrl),
    metricsToken: config.metricsToken,
  });
  openapiRoute(server, { version: packageJson.version });
  docsPage(server);
  servePages(server, { dir: PAGES });
  await server.register({
    plugin: httpMetrics,
    options: { metrics, liveConnections: () => live.open, sipConnections: () => sip.open },
  });

  await server.start();
  const unfollow = followCertificate(certificate, server.listener as never, log);
  const plain = await openPlainDoor({
    port: config.httpPort,
    host: config.bind,
    httpsPort: config.httpsPort,
    name: config.host,
    caCert: config.paths.caCert,
    log,
  });
  const unsweep = every(SWEEP_MS, () => services.security.sessions.sweep(), log);
  const watch = createWatch({
    look: async () => partsWatched(await health()),
    everyMs: WATCH_MS,
    alarms: services.alarms,
    clock,
    log,
  });
  services.alarms.tellAlso(watch.standing);
  watch.start();
  log.info({ https: config.httpsPort, http: plain.port }, 'listening');

  return {
    async stop() {
      watch.stop();
      unfollow();
      unsweep();
      await plain.close();
      await live.close();
      await server.stop({ timeout: DRAIN_MS });
      await services.close();
      await jobs.close();
      await batch.close();
      await bus.close();
      redis.disconnect();
      await db.destroy();
    },
  };
};

function openLive(server: Server, services: WebServices, log: Log): LiveDoor {
  const { bus, clock, security } = services;
  const topics = createTopics();
  registerTopics(topics, services);
  const hub = new LiveHub({ topics, bus, allows: security.gatekeeper.allows, clock });
  return openLiveDoor(server, { hub, sessions: security.sessions, clock, log });
}

/** Now and then again; a failure is said and the next time comes all the same. */
function every(ms: number, task: () => Promise<void>, log: Log): () => void {
  const run = () =>
    void task().catch((error) => log.warn({ error: messageOf(error) }, 'old sessions could not be swept away'));
  run();
  const timer = setInterval(run, ms);
  timer.unref();
  return () => clearInterval(timer);
}
