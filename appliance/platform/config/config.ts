import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { hostname, networkInterfaces, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { z } from 'zod';
import type { LogLevel } from '../log/index.ts';
import type { Key, PortRange } from './keys.ts';
import { DEFAULTS, KEYS, nearestKey } from './keys.ts';

/** Folders and files inside the data folder. */
export interface DataPaths {
  /** Private keys and passwords, 0700. */
  keys: string;
  /** Content-addressed, encrypted files. */
  files: string;
  /** Recordings while they are being written. */
  spool: string;
  prompts: string;
  log: string;
  /** Unix sockets and pid files; short enough for a socket's path. */
  run: string;
  mediaSocket: string;
  /** Where `web` hands over browsers' SIP connections. */
  sipWebSocket: string;
  caCert: string;
  firstRun: string;
}

export interface Config {
  dataDir: string;
  instance: string;
  host: string;
  address: string;
  bind: string;
  httpsPort: number;
  httpPort: number;
  sipPort: number;
  sipTlsPort: number;
  rtpPorts: PortRange;
  edgePorts: PortRange;
  mediaWorkers: number;
  postgresUrl: string;
  postgresPort: number;
  redisUrl: string;
  redisPort: number;
  /** host:port of rtpengine's ng control socket. */
  rtpengine: string;
  rtpenginePort: number;
  tlsCert: string;
  tlsKey: string;
  phoneProvisioning: boolean;
  country: string;
  silenceProbeS: number;
  metricsToken: string | undefined;
  logLevel: LogLevel;
  /** Which services are somebody else's: configured by URL, never started or stopped by us. */
  external: { postgres: boolean; redis: boolean; rtpengine: boolean; certificate: boolean };
  paths: DataPaths;
}

/** The configuration cannot be used; the message says which key, where, and what would do. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

type Values = { [K in Key]?: z.output<(typeof KEYS)[K]> };

const ENV_PREFIX = 'STRONGROOM_';
/** Switches of the test-suite and of provisioning share the prefix but are no configuration. */
const NOT_OURS = /^STRONGROOM_(TEST|BENCH|SETUP|UI)_/;
const KEY_NAMES = Object.keys(KEYS) as Key[];

/** Reads strongroom.yaml and the environment; the environment wins. Throws ConfigError. */
export function loadConfig(
  env: Record<string, string | undefined> = process.env,
  options: { file?: string; dataDir?: string } = {},
): Config {
  const dataDir = realPath(resolve(options.dataDir ?? env.STRONGROOM_DATA ?? 'var'));
  const given = options.file ?? env.STRONGROOM_CONFIG;
  const file = given ?? join(dataDir, 'strongroom.yaml');
  if (given && !existsSync(file)) throw new ConfigError(`The configuration file ${file} does not exist.`);
  const fromFile = existsSync(file) ? readYaml(file) : {};
  const values: Values = { ...parseAll(DEFAULTS, 'the defaults'), ...parseAll(fromFile, file), ...fromEnv(env) };
  return assemble(dataDir, values);
}

/** ./var may be a link to where other accounts can enter: they must be given the way that has no closed door in it. */
function realPath(dir: string): string {
  return existsSync(dir) ? realpathSync(dir) : dir;
}

function assemble(dataDir: string, values: Values): Config {
  const required = <K extends keyof typeof DEFAULTS>(key: K) => values[key] as NonNullable<Values[K]>;
  const paths = dataPaths(dataDir);
  const external = {
    postgres: values.postgres_url !== undefined,
    redis: values.redis_url !== undefined,
    rtpengine: values.rtpengine_url !== undefined,
    certificate: values.tls_cert !== undefined,
  };
  if (external.certificate !== (values.tls_key !== undefined)) {
    throw new ConfigError('tls_cert and tls_key belong together: set both or neither.');
  }
  const address = values.address ?? firstAddress();
  const postgresPort = required('postgres_port');
  const rtpenginePort = required('rtpengine_port');
  const config: Config = {
    dataDir,
    instance: values.instance ?? instanceName(),
    host: values.host ?? 'localhost',
    address,
    bind: required('bind'),
    httpsPort: required('https_port'),
    httpPort: required('http_port'),
    sipPort: required('sip_port'),
    sipTlsPort: required('sip_tls_port'),
    rtpPorts: required('rtp_ports'),
    edgePorts: required('edge_ports'),
    mediaWorkers: required('media_workers'),
    postgresUrl: values.postgres_url ?? privatePostgresUrl(paths, postgresPort),
    postgresPort,
    redisUrl: values.redis_url ?? privateRedisUrl(paths),
    redisPort: required('redis_port'),
    rtpengine: values.rtpengine_url?.replace(/^udp:\/\//, '') ?? `127.0.0.1:${rtpenginePort}`,
    rtpenginePort,
    tlsCert: values.tls_cert ? resolve(values.tls_cert) : join(dataDir, 'server.pem'),
    tlsKey: values.tls_key ? resolve(values.tls_key) : join(paths.keys, 'server.key'),
    phoneProvisioning: required('phone_provisioning'),
    country: required('country'),
    silenceProbeS: required('silence_probe_s'),
    metricsToken: values.metrics_token,
    logLevel: required('log_level'),
    external,
    paths,
  };
  refuseOverlaps(config);
  return config;
}

function dataPaths(dataDir: string): DataPaths {
  // A unix socket's path ends after 107 bytes; ours are at most 24 below `run`.
  const run =
    dataDir.length <= 76
      ? join(dataDir, 'run')
      : join(tmpdir(), `strongroom-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`);
  return {
    keys: join(dataDir, 'keys'),
    files: join(dataDir, 'files'),
    spool: join(dataDir, 'spool'),
    prompts: join(dataDir, 'prompts'),
    log: join(dataDir, 'log'),
    run,
    mediaSocket: join(run, 'media.sock'),
    sipWebSocket: join(run, 'sip-ws.sock'),
    caCert: join(dataDir, 'ca.pem'),
    firstRun: join(dataDir, 'first-run.json'),
  };
}

/** The socket lies in a folder that only the cluster's account (and root) can enter; see provisioning/services. */
function privatePostgresUrl(paths: DataPaths, port: number): string {
  return `postgresql://strongroom@localhost:${port}/strongroom?host=${encodeURIComponent(join(paths.run, 'pg'))}`;
}

function privateRedisUrl(paths: DataPaths): string {
  const file = join(paths.keys, 'redis.password');
  const password = existsSync(file) ? `?password=${encodeURIComponent(readFileSync(file, 'utf8').trim())}` : '';
  return `unix:${join(paths.run, 'redis', 'redis.sock')}${password}`;
}

function readYaml(file: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`${file} is not valid YAML: ${(error as Error).message.split('\n')[0]}`);
  }
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new ConfigError(`${file} must hold lines of the form key: value.`);
  }
  for (const key of Object.keys(content)) {
    if (key === 'data' || key === 'config') {
      throw new ConfigError(`${file}: ${key} can only be given as ${ENV_PREFIX}${key.toUpperCase()}.`);
    }
  }
  return content as Record<string, unknown>;
}

function fromEnv(env: Record<string, string | undefined>): Values {
  const found: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || NOT_OURS.test(name) || value === undefined || value === '') continue;
    const key = name.slice(ENV_PREFIX.length).toLowerCase();
    if (!(key in KEYS)) {
      const nearest = `${ENV_PREFIX}${nearestKey(key, KEY_NAMES).toUpperCase()}`;
      throw new ConfigError(`The environment variable ${name} means nothing here. Did you mean ${nearest}?`);
    }
    found[key] = value;
  }
  return parseAll(found, 'the environment');
}

function parseAll(found: Record<string, unknown>, where: string): Values {
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(found)) {
    if (!(key in KEYS)) {
      throw new ConfigError(`${where}: unknown key ${key}. Did you mean ${nearestKey(key, KEY_NAMES)}?`);
    }
    const result = KEYS[key as Key].safeParse(value);
    if (!result.success) {
      const why = result.error.issues.map((issue) => issue.message).join('; ');
      throw new ConfigError(`${where}: ${key} cannot be ${JSON.stringify(value)}: ${why}.`);
    }
    values[key] = result.data;
  }
  return values as Values;
}

function refuseOverlaps(config: Config): void {
  const { rtpPorts, edgePorts } = config;
  if (!config.external.rtpengine && rtpPorts.from <= edgePorts.to && edgePorts.from <= rtpPorts.to) {
    throw new ConfigError('rtp_ports and edge_ports overlap: the media switch and rtpengine need ports of their own.');
  }
  const ports: [string, number][] = [
    ['https_port', config.httpsPort],
    ['http_port', config.httpPort],
    ['sip_port', config.sipPort],
    ['sip_tls_port', config.sipTlsPort],
  ];
  for (const [index, [name, value]] of ports.entries()) {
    const other = ports.slice(0, index).find(([, taken]) => taken === value);
    if (other) throw new ConfigError(`${name} and ${other[0]} are both ${value}: each needs a port of its own.`);
  }
}

function instanceName(): string {
  const name = hostname()
    .replace(/[^A-Za-z0-9.-]/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 63);
  return name || 'box';
}

function firstAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find((one) => !one.internal && one.family === 'IPv4')?.address ?? '127.0.0.1';
}
