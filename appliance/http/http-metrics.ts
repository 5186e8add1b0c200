import type { Plugin } from '@hapi/hapi';
import type { Metrics } from '#appliance/platform/metrics/index.ts';

/** Counts and times of answers by route as declared, never by path: paths are endless. */
export const httpMetrics: Plugin<{ metrics: Metrics; liveConnections?: () => number; sipConnections?: () => number }> =
  {
    name: 'http/metrics',
    register(server, { metrics, liveConnections, sipConnections }) {
      const seconds = metrics.histogram('strongroom_http_request_seconds', 'Time from request to answer', [
        'method',
        'route',
        'status',
      ]);
      server.events.on('response', (request) => {
        const status = 'statusCode' in request.response ? request.response.statusCode : 499;
        const route = request.route.fingerprint ? request.route.path : 'none';
        const tookS = ((request.info.completed || Date.now()) - request.info.received) / 1000;
        seconds.observe({ method: request.method, route, status: String(status) }, Math.max(0, tookS));
      });
      if (liveConnections)
        metrics.gauge('strongroom_live_connections', 'Screens on the live feed', [], (gauge) =>
          gauge.set(liveConnections()),
        );
      if (sipConnections)
        metrics.gauge('strongroom_sip_websockets', 'Browser phones connected', [], (gauge) =>
          gauge.set(sipConnections()),
        );
    },
  };
