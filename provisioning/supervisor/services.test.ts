import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Config } from '#appliance/platform/config/index.ts';
import { loadConfig } from '#appliance/platform/config/index.ts';
import { pingRtpengine } from '#appliance/platform/health/index.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import { openDatabase } from '#appliance/platform/postgres/index.ts';
import { openRedis } from '#appliance/platform/redis/index.ts';
import type { TestDataFolder } from '#test/support/data-folder.ts';
import { testDataFolder } from '#test/support/data-folder.ts';
import { makeDataFolder, makeSubfolders } from './data-folder.ts';
import { ChildrenFile, lockDataFolder } from './lock.ts';
import { ensurePasswords, Services, serviceAccounts } from './services.ts';

let folder: TestDataFolder;
let services: Services | undefined;
const said: string[] = [];
beforeEach(async () => {
  folder = await testDataFolder();
  services = undefined;
  said.length = 0;
});
afterEach(async () => {
  await services?.stop();
  folder.remove();
});

async function start(): Promise<Config> {
  const accounts = serviceAccounts();
  makeDataFolder(
    folder.dataDir,
    Object.values(accounts).flatMap((one) => one ?? []),
  );
  const first = loadConfig(folder.env);
  makeSubfolders(first.paths);
  for (const [name, value] of Object.entries(folder.env)) vi.stubEnv(name, value);
  const config = ensurePasswords(first);
  services = new Services({
    config,
    accounts,
    children: new ChildrenFile(config.paths.run),
    say: (text) => said.push(text),
  });
  await services.start();
  return config;
}

test('PostgreSQL, Redis and rtpengine answer where the configuration says, and come back when they are killed', async () => {
  const config = await start();
  const db = openDatabase(config.postgresUrl);
  const redis = openRedis(config.redisUrl, silentLog);
  const answer = async () => {
    const { rows } = await db.raw('select current_user as me');
    expect(rows[0].me).toBe('strongroom');
    expect(await redis.ping()).toBe('PONG');
    await pingRtpengine(config.rtpengine);
  };
  await answer();
  const owner = statSync(join(config.dataDir, 'postgres', 'data')).uid;
  expect(owner).not.toBe(0);

  for (const { pid } of ChildrenFile.read(config.paths.run)) process.kill(pid, 'SIGKILL');
  await vi.waitFor(
    () => expect(said.filter((line) => line.includes('starting it again')).length).toBeGreaterThanOrEqual(3),
    10_000,
  );
  await vi.waitFor(answer, { timeout: 15_000, interval: 200 });
  await db.destroy();
  redis.disconnect();
});

test('Redis and PostgreSQL over TCP want a password', async () => {
  const config = await start();
  const tcp = openDatabase(`postgresql://strongroom@127.0.0.1:${config.postgresPort}/strongroom`);
  await expect(tcp.raw('select 1')).rejects.toThrow(/password/);
  await tcp.destroy();
  const redis = openRedis(`redis://127.0.0.1:${config.redisPort}`, silentLog);
  await expect(redis.set('a', 'b')).rejects.toThrow(/NOAUTH|Authentication/i);
  redis.disconnect();
});

test('nothing outlives a supervisor that is killed, and the next one starts on the same data', async () => {
  const config = await start();
  const db = openDatabase(config.postgresUrl);
  await db.raw('create table kept (n int)');
  await db.destroy();
  await services!.stop();

  const script = `
    import { loadConfig } from '#appliance/platform/config/index.ts';
    import { ChildrenFile, lockDataFolder } from '#provisioning/supervisor/lock.ts';
    import { Services, serviceAccounts } from '#provisioning/supervisor/services.ts';
    const config = loadConfig();
    await lockDataFolder(config.dataDir);
    const services = new Services({ config, accounts: serviceAccounts(), children: new ChildrenFile(config.paths.run), say() {} });
    await services.start();
    console.log('up');
    setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    env: { ...process.env, ...folder.env },
  });
  await new Promise<void>((resolve, reject) => {
    other.stdout.once('data', () => resolve());
    other.once('exit', (code) => reject(new Error(`ended with ${code}`)));
    other.stderr.on('data', (data) => said.push(String(data)));
  }).catch((error) => {
    throw new Error(`${error.message} ${said.join('')}`);
  });
  await expect(lockDataFolder(config.dataDir)).rejects.toThrow(`process ${other.pid}`);
  const children = ChildrenFile.read(config.paths.run);
  expect(children.map((child) => child.name).sort()).toEqual(['postgres', 'redis', 'rtpengine']);
  other.removeAllListeners('exit');
  other.kill('SIGKILL');

  // The kernel tells the children; nobody else is there to do it.
  await vi.waitFor(() => expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]), {
    timeout: 15_000,
    interval: 100,
  });
  await new ChildrenFile(config.paths.run).endLeftovers((text) => said.push(text));
  const unlock = await lockDataFolder(config.dataDir);
  unlock();
  await start();
  const again = openDatabase(config.postgresUrl);
  expect(await again.schema.hasTable('kept')).toBe(true);
  await again.destroy();
});

/** A process that ended and was not collected yet is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
