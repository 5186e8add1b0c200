import { z } from 'zod';
import { LOG_LEVELS } from '../log/index.ts';

const port = z.coerce.number().int().min(1).max(65535);
const url = z.string().min(1);

export interface PortRange {
  from: number;
  to: number;
}

const range = z.string().transform((text, context): PortRange => {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text.trim());
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || from < 1024 || to > 65535 || to - from < 8) {
    context.addIssue({ code: 'custom', message: 'must be two ports such as 30000-39999, at least 8 apart' });
    return z.NEVER;
  }
  return { from, to };
});

const flag = z.union([
  z.boolean(),
  z.enum(['true', 'false', '1', '0', 'yes', 'no']).transform((text) => ['true', '1', 'yes'].includes(text)),
]);

/**
 * Every key of strongroom.yaml. The environment variable is STRONGROOM_ and the key in capitals: https_port is STRONGROOM_HTTPS_PORT.
 * Only what is needed before the database answers belongs here; everything else is configured in the product.
 */
export const KEYS = {
  data: z.string().min(1).describe('data folder; only as STRONGROOM_DATA'),
  config: z.string().min(1).describe('this file; only as STRONGROOM_CONFIG'),
  instance: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$/, 'must be letters, digits, dots and dashes')
    .describe('name of this box among others; the host name by default'),
  host: z.string().min(1).describe('name or address that browsers and phones use for this box'),
  address: z
    .union([z.ipv4(), z.ipv6()])
    .describe('address written into SIP and SDP; the first one of the machine by default'),
  bind: z.union([z.ipv4(), z.ipv6()]).describe('address that HTTPS, HTTP and SIP listen on'),
  https_port: port.describe('API, live feed, user interface, SIP over secure WebSocket'),
  http_port: port.describe('redirects to HTTPS, serves the CA certificate'),
  sip_port: port.describe('SIP over UDP and TCP'),
  sip_tls_port: port.describe('SIP over TLS'),
  rtp_ports: range.describe('UDP ports of the media switch'),
  edge_ports: range.describe('UDP ports of rtpengine'),
  media_workers: z.coerce.number().int().min(1).max(64).describe('threads of the media switch'),
  postgres_url: url.describe('use this PostgreSQL instead of a private one'),
  postgres_port: port.describe('port of the private PostgreSQL on 127.0.0.1'),
  redis_url: url.describe('use this Redis instead of a private one'),
  redis_port: port.describe('port of the private Redis on 127.0.0.1'),
  rtpengine_url: z
    .string()
    .regex(/^(udp:\/\/)?[^:/]+:\d+$/, 'must be host:port of an ng control socket')
    .describe('use this rtpengine instead of a private one'),
  rtpengine_port: port.describe('ng control port of the private rtpengine on 127.0.0.1'),
  tls_cert: z.string().min(1).describe("certificate file (PEM, with chain) instead of the box's own"),
  tls_key: z.string().min(1).describe('its key file'),
  phone_provisioning: flag.describe('serve configuration files to desk phones over HTTP'),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be two capital letters, such as US')
    .describe('country whose dialling habits apply to numbers without +'),
  silence_probe_s: z.coerce
    .number()
    .min(10)
    .max(3600)
    .describe('after so long without audio a party of a call is asked whether it is still there'),
  metrics_token: z.string().min(16).describe('lets other machines read /metrics'),
  log_level: z.enum(LOG_LEVELS).describe('how much the roles write to their logs'),
} as const;

export type Key = keyof typeof KEYS;

/** Values before the file and the environment have spoken; keys without one may stay unset. */
export const DEFAULTS = {
  bind: '0.0.0.0',
  https_port: 8443,
  http_port: 8080,
  sip_port: 5060,
  sip_tls_port: 5061,
  rtp_ports: '30000-39999',
  edge_ports: '40000-49999',
  media_workers: 2,
  postgres_port: 54329,
  redis_port: 63799,
  rtpengine_port: 22222,
  phone_provisioning: false,
  country: 'US',
  silence_probe_s: 30,
  log_level: 'info',
} as const;

/** The key somebody most likely meant. */
export function nearestKey(word: string, keys: readonly string[]): string {
  const scored = keys.map((key) => ({ key, distance: editDistance(word, key) }));
  return scored.sort((a, b) => a.distance - b.distance)[0]!.key;
}

/** Levenshtein's distance, two rows at a time. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
