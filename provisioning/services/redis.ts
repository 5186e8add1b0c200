import { chownSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Account, Child } from './child.ts';
import { ownFolder, startChild } from './child.ts';

export interface RedisServiceOptions {
  dir: string;
  /** 0 listens on the unix socket only. */
  port: number;
  settings?: Record<string, string>;
  logFile: string;
  account?: Account | undefined;
  /** Folder of the unix socket. */
  socketDir: string;
  password?: string;
}

export function redisSocket(socketDir: string): string {
  return join(socketDir, 'redis.sock');
}

/** Starts a Redis of our own on a unix socket (and 127.0.0.1 when it has a port) and returns when it answers. */
export async function startRedis(options: RedisServiceOptions): Promise<Child> {
  const { dir, socketDir, account, password } = options;
  ownFolder(dir, 0o700, account);
  ownFolder(socketDir, 0o700, account);
  const socket = redisSocket(socketDir);
  const settings: Record<string, string> = {
    port: String(options.port),
    bind: '127.0.0.1',
    unixsocket: socket,
    unixsocketperm: '700',
    dir,
    appendonly: 'yes',
    save: '""',
    'maxmemory-policy': 'noeviction',
    // Keys that expire are ours, seldom and read anyway: looking for them ten times a second would be most of an idle Redis.
    hz: '2',
    daemonize: 'no',
    ...(password ? { requirepass: password } : {}),
    ...options.settings,
  };
  // A file, because a command line with a password in it is readable by everybody on the machine.
  const file = join(dir, 'redis.conf');
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  if (account) chownSync(file, account.uid, account.gid);
  const child = await startChild({
    command: 'redis-server',
    args: [file],
    cwd: dir,
    account,
    logFile: options.logFile,
    deathSignal: 'TERM',
  });
  let ended: string | undefined;
  child.gone.then((how) => {
    ended = how;
  });
  while (!(await answers(socket, password))) {
    if (ended !== undefined) throw new Error(`Redis ${ended}; see ${options.logFile}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  return child;
}

/** PING is answered with PONG only once the data is loaded. */
function answers(path: string, password: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const done = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.setTimeout(1000, () => done(false));
    socket.once('error', () => done(false));
    socket.once('connect', () => socket.write(`${password ? `AUTH ${password}\r\n` : ''}PING\r\n`));
    socket.once('data', (data) => done(data.toString().includes('+PONG')));
  });
}
