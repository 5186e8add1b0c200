// A real rtpengine of our own for tests.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { NgClient } from '../edge/ng-client.ts';
import { wait } from './phone.ts';

export const rtpengineBinary = ['/usr/bin/rtpengine', '/usr/sbin/rtpengine'].find((path) => existsSync(path));

export async function startRtpengine(ngPort: number, first: number, last: number): Promise<ChildProcess> {
  const child = spawn(
    rtpengineBinary!,
    [
      '--config-file=none',
      '--table=-1',
      '--interface=int/127.0.0.1',
      '--interface=ext/127.0.0.1',
      `--listen-ng=127.0.0.1:${ngPort}`,
      `--port-min=${first}`,
      `--port-max=${last}`,
      '--delete-delay=0',
      '--num-threads=1',
      '--foreground',
      '--log-stderr',
      '--log-level=3',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr!.on('data', (data) => {
    said = (said + data).slice(-2000);
  });
  const ng = new NgClient(`127.0.0.1:${ngPort}`);
  try {
    for (let i = 0; i < 20; i++) {
      if (child.exitCode !== null) throw new Error(`rtpengine ended with ${child.exitCode}: ${said}`);
      const pong = await ng.command('ping').catch(() => undefined);
      if (pong) return child;
      await wait(50);
    }
    throw new Error(`rtpengine does not answer: ${said}`);
  } finally {
    ng.close();
  }
}
