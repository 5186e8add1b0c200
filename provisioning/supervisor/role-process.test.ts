import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Role } from '#appliance/roles/context.ts';
import { ChildrenFile } from './lock.ts';
import { RoleProcess } from './role-process.ts';

let dir: string;
let role: RoleProcess | undefined;
const said: string[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'strongroom-role-'));
  said.length = 0;
});
afterEach(async () => {
  await role?.stop();
  rmSync(dir, { recursive: true });
});

function run(script: string, lookEveryMs = 2000, name: Role = 'web'): RoleProcess {
  const main = join(dir, 'main.mjs');
  writeFileSync(main, script);
  role = new RoleProcess(name, {
    logDir: dir,
    children: new ChildrenFile(dir),
    say: (text) => said.push(text),
    main,
    lookEveryMs,
  });
  void role.run();
  return role;
}

const READY = `process.send('ready'); setInterval(() => {}, 1000);`;

test('a role is ready when it says so and ends on SIGTERM', async () => {
  const one = run(`process.on('SIGTERM', () => { console.log('bye'); process.exit(0); }); ${READY}`);
  await one.ready;
  await one.stop();
  expect(readFileSync(one.logFile, 'utf8')).toBe('bye\n');
  expect(said).toEqual([]);
});

test('a role that dies is started again at once', async () => {
  const one = run(`console.log('start ' + process.pid); ${READY}`);
  await one.ready;
  const pids = () => readFileSync(one.logFile, 'utf8').match(/\d+/g) ?? [];
  process.kill(Number(pids()[0]), 'SIGKILL');
  await vi.waitFor(() => expect(pids()).toHaveLength(2), 5000);
  expect(said[0]).toMatch(/web ended by SIGKILL; starting it again\. Its log:/);
});

test.skipIf(process.getuid?.() !== 0)('audio comes before everything else', async () => {
  const nice = `import { getPriority } from 'node:os'; import { readFileSync } from 'node:fs';
    console.log('nice ' + getPriority()); try { console.log(String(readFileSync('/proc/self/autogroup'))); } catch {} ${READY}`;
  for (const [name, priority] of [
    ['media', -10],
    ['web', 0],
  ] as const) {
    const one = run(nice, 2000, name);
    await one.ready;
    const said = readFileSync(one.logFile, 'utf8');
    expect(said).toContain(`nice ${priority}`);
    if (said.includes('autogroup')) expect(said).toMatch(new RegExp(`autogroup-\\d+ nice ${priority}\\b`));
    await one.stop();
  }
});

test('a role that cannot be configured is not tried again', async () => {
  const one = run('process.exit(78)');
  await expect(one.ready).rejects.toThrow(/web cannot be configured/);
  expect(said).toEqual([]);
});

test('a role that ignores SIGTERM is ended all the same', async () => {
  const one = run(`process.on('SIGTERM', () => {}); ${READY}`);
  await one.ready;
  await one.stop(200);
});

test('a role that hangs is ended and started again', async () => {
  const one = run(`process.send('ready'); setTimeout(() => { for (;;) {} }, 100);`, 50);
  await one.ready;
  await vi.waitFor(() => expect(said.join()).toMatch(/has not answered for 0.5 s; ending it/), 5000);
  await vi.waitFor(() => expect(said.join()).toMatch(/ended by SIGKILL; starting it again/), 5000);
});

test('a clock stepped by an hour makes nobody guilty of silence', async () => {
  const one = run(`process.send('ready'); setInterval(() => process.send('beat'), 50);`, 50);
  await one.ready;
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    for (const hours of [1, -2]) {
      vi.setSystemTime(Date.now() + hours * 3_600_000);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  } finally {
    vi.useRealTimers();
  }
  expect(said).toEqual([]);
});
