// A counterpart by others: sipp's built-in caller and callee.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { callTo, startStack } from './testing/stacks.ts';
import { DEFAULT_TIMERS } from './transaction/timers.ts';

const hasSipp = spawnSync('sipp', ['-v']).error === undefined;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function sipp(...args: string[]) {
  const cwd = mkdtempSync(join(tmpdir(), 'sipp-'));
  const child = spawn('sipp', [...args, '-i', '127.0.0.1', '-nostdin'], { cwd, stdio: 'ignore' });
  closers.push(() => {
    child.kill('SIGKILL');
    rmSync(cwd, { recursive: true, force: true });
  });
  return { child, exit: new Promise<number | null>((resolve) => child.once('exit', resolve)) };
}

describe.skipIf(!hasSipp)('sipp', () => {
  it.each([
    ['u1', 15110],
    ['t1', 15112],
  ])(
    'as caller over %s: 100 calls, none fails',
    async (transport, port) => {
      const listen = transport === 'u1' ? { udp: { host: '127.0.0.1', port } } : { tcp: { host: '127.0.0.1', port } };
      const stack = await startStack(port, { listen, timers: DEFAULT_TIMERS });
      closers.push(() => stack.stop());
      let ended = 0;
      stack.onInvite((invite) => {
        invite.progress({ status: 180 });
        const { dialog } = invite.accept({ contentType: 'application/sdp', body: invite.request.bodyText });
        dialog.onEnd(({ by }) => by === 'peer' && ended++);
      });
      const uac = sipp(
        '-sn',
        'uac',
        `127.0.0.1:${port}`,
        '-p',
        String(port + 1),
        '-t',
        transport,
        '-m',
        '100',
        '-r',
        '100',
        '-d',
        '200',
      );
      expect(await uac.exit).toBe(0);
      expect(ended).toBe(100);
      expect(stack.size.dialogs).toBe(0);
    },
    20_000,
  );

  it('as callee: our calls are answered and ended', async () => {
    const stack = await startStack(15114, { timers: DEFAULT_TIMERS });
    closers.push(() => stack.stop());
    const uas = sipp('-sn', 'uas', '-p', '15115', '-m', '50');
    await vi.waitFor(async () => {
      const probe = stack.invite(callTo('sip:probe@127.0.0.1:15115'));
      const { dialog } = await probe.answered;
      dialog.bye();
    }, 5000);
    await Promise.all(
      Array.from({ length: 49 }, async () => {
        const { dialog } = await stack.invite(callTo('sip:sut@127.0.0.1:15115')).answered;
        dialog.bye();
      }),
    );
    expect(await uas.exit).toBe(0);
  }, 20_000);
});
