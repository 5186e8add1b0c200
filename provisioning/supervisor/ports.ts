import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Config } from '#appliance/platform/config/index.ts';
import { Problem } from './problem.ts';

interface Wanted {
  what: string;
  protocol: 'tcp' | 'udp';
  port: number;
  bind: string;
  variable: string;
}

function wanted(config: Config): Wanted[] {
  const { bind, rtpPorts, edgePorts, external } = config;
  const tcp = (what: string, port: number, variable: string, at = bind): Wanted => ({
    what,
    protocol: 'tcp',
    port,
    bind: at,
    variable,
  });
  const udp = (what: string, port: number, variable: string, at = bind): Wanted => ({
    what,
    protocol: 'udp',
    port,
    bind: at,
    variable,
  });
  return [
    tcp('HTTPS', config.httpsPort, 'STRONGROOM_HTTPS_PORT'),
    tcp('HTTP', config.httpPort, 'STRONGROOM_HTTP_PORT'),
    udp('SIP', config.sipPort, 'STRONGROOM_SIP_PORT'),
    tcp('SIP', config.sipPort, 'STRONGROOM_SIP_PORT'),
    tcp('SIP over TLS', config.sipTlsPort, 'STRONGROOM_SIP_TLS_PORT'),
    udp('audio', rtpPorts.from, 'STRONGROOM_RTP_PORTS'),
    ...(external.postgres
      ? []
      : [tcp('the private PostgreSQL', config.postgresPort, 'STRONGROOM_POSTGRES_PORT', '127.0.0.1')]),
    ...(external.redis ? [] : [tcp('the private Redis', config.redisPort, 'STRONGROOM_REDIS_PORT', '127.0.0.1')]),
    ...(external.rtpengine
      ? []
      : [
          udp('the private rtpengine', config.rtpenginePort, 'STRONGROOM_RTPENGINE_PORT', '127.0.0.1'),
          udp('browser audio', edgePorts.from, 'STRONGROOM_EDGE_PORTS', '127.0.0.1'),
        ]),
  ];
}

/** Tries every port before anything is started; throws one Problem that names each taken one, its holder, and the way out. */
export async function checkPorts(config: Config): Promise<void> {
  const results = await Promise.all(wanted(config).map(async (port) => ({ port, error: await tryPort(port) })));
  const taken = results.filter(({ error }) => error !== undefined);
  if (taken.length === 0) return;
  const sentences = taken.map(({ port, error }) => {
    const name = `Port ${port.port}/${port.protocol} for ${port.what}`;
    if (error === 'EACCES') return `${name} needs root: choose one above 1023 with ${port.variable}.`;
    if (error === 'EADDRNOTAVAIL')
      return `${name} cannot be opened on ${port.bind}, which is no address of this machine: set STRONGROOM_BIND.`;
    const holder = holderOf(port.protocol, port.port);
    const example = port.variable.endsWith('S') ? `${port.port + 1000}-${port.port + 1999}` : port.port + 1000;
    return `${name} is taken${holder ? ` by ${holder}` : ''}: stop that, or choose another with ${port.variable}=${example}.`;
  });
  throw new Problem([...new Set(sentences)].join('\n'));
}

function tryPort({ protocol, port, bind }: Wanted): Promise<string | undefined> {
  return new Promise((resolve) => {
    const done = (error?: NodeJS.ErrnoException) => resolve(error ? (error.code ?? error.message) : undefined);
    if (protocol === 'tcp') {
      const server = createServer();
      server.once('error', done);
      server.listen({ port, host: bind, exclusive: true }, () => server.close(() => done()));
    } else {
      const socket = createSocket(bind.includes(':') ? 'udp6' : 'udp4');
      socket.once('error', (error) => {
        socket.close();
        done(error);
      });
      socket.bind({ port, address: bind, exclusive: true }, () => socket.close(() => done()));
    }
  });
}

/** "nginx (process 812)", as far as this user may see it. */
export function holderOf(protocol: 'tcp' | 'udp', port: number): string | undefined {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const table of [protocol, `${protocol}6`]) {
    for (const line of readOr(`/proc/net/${table}`).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      const listening = protocol === 'udp' || fields[3] === '0A';
      if (listening && fields[1]?.endsWith(`:${hexPort}`) && fields[9]) inodes.add(`socket:[${fields[9]}]`);
    }
  }
  if (inodes.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    let names: string[] = [];
    try {
      names = readdirSync(`/proc/${pid}/fd`);
    } catch {
      // another user's process, or gone
    }
    for (const fd of names) {
      try {
        if (inodes.has(readlinkSync(`/proc/${pid}/fd/${fd}`)))
          return `${readOr(`/proc/${pid}/comm`).trim()} (process ${pid})`;
      } catch {
        // closed in between
      }
    }
  }
  return undefined;
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
