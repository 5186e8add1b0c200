import { createSocket } from 'node:dgram';
import type { Account, Child } from './child.ts';
import { startChild } from './child.ts';

export interface RtpengineOptions {
  ngPort: number;
  ports: { from: number; to: number };
  /** What browsers and phones reach; the inner side of every leg is 127.0.0.1. */
  address: string;
  account?: Account | undefined;
  logFile: string;
}

/** Starts rtpengine in userspace and returns when it answers. Understood by 10.5 (Debian 12) and 12.5 (Debian 13). */
export async function startRtpengine(options: RtpengineOptions): Promise<Child> {
  const interfaces = [...new Set(['127.0.0.1', options.address])];
  const child = await startChild({
    command: 'rtpengine',
    args: [
      // Without this the daemon also reads /etc/rtpengine/rtpengine.conf and opens what stands there.
      '--config-file=none',
      '--table=-1',
      '--foreground',
      '--log-stderr',
      '--log-level=5',
      // `int` and `ext` are named in each command's direction.
      `--interface=int/${interfaces[0]}`,
      `--interface=ext/${interfaces.at(-1)}`,
      `--listen-ng=127.0.0.1:${options.ngPort}`,
      `--port-min=${options.ports.from}`,
      `--port-max=${options.ports.to}`,
      // The controller judges whether a call is over; rtpengine must not end one that is on hold for an hour.
      '--timeout=3600',
      '--silent-timeout=36000',
      '--delete-delay=0',
    ],
    account: options.account,
    logFile: options.logFile,
    deathSignal: 'TERM',
  });
  let ended: string | undefined;
  child.gone.then((how) => {
    ended = how;
  });
  for (let attempt = 0; !(await answersPing(options.ngPort)); attempt++) {
    if (ended !== undefined) throw new Error(`rtpengine ${ended}; see ${options.logFile}`);
    if (attempt > 100) throw new Error(`rtpengine does not answer; see ${options.logFile}`);
  }
  return child;
}

/** rtpengine's ng protocol: a cookie, a space, a bencoded dictionary. */
function answersPing(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  return new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), 50);
    socket.once('error', () => resolve(false));
    socket.once('message', (message) => {
      clearTimeout(timer);
      resolve(message.includes('pong'));
    });
    socket.send('start d7:command4:pinge', port, '127.0.0.1');
  }).finally(() => socket.close());
}
