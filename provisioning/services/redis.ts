import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Child } from './child.ts';
import { startChild } from './child.ts';

export interface RedisServiceOptions {
  dir: string;
  /** 0 listens on the unix socket only. */
  port: number;
  settings?: Record<string, string>;
  logFile: string;
}

export function redisSocket(dir: string): string {
  return join(dir, 'redis.sock');
}

/** Starts a Redis of our own on a unix socket (and 127.0.0.1 when it has a port) and returns when it answers. */
export async function startRedis(options: RedisServiceOptions): Promise<Child> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  const socket = redisSocket(options.dir);
  const settings: Record<string, string> = {
    port: String(options.port),
    bind: '127.0.0.1',
    unixsocket: socket,
    unixsocketperm: '700',
    dir: options.dir,
    appendonly: 'yes',
    save: '',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
    ...options.settings,
  };
  const child = await startChild({
    command: 'redis-server',
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    cwd: options.dir,
    logFile: options.logFile,
    deathSignal: 'TERM',
  });
  let ended: string | undefined;
  child.gone.then((how) => {
    ended = how;
  });
  while (!(await answers(socket))) {
    if (ended !== undefined) throw new Error(`Redis ${ended}; see ${options.logFile}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  return child;
}

/** PING is answered with PONG only once the data is loaded. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const done = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.setTimeout(1000, () => done(false));
    socket.once('error', () => done(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => done(data.toString().startsWith('+PONG')));
  });
}
