import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Account, Child } from './child.ts';
import { ownFolder, startChild } from './child.ts';

export interface ClusterOptions {
  /** Holds `data`; belongs to `account`. */
  dir: string;
  /** Folder of the unix socket; belongs to `account`, who alone (and root) can enter it: the socket asks for no password. */
  socketDir: string;
  binDir: string;
  account: Account | undefined;
  /** Also the number in the unix socket's name. */
  port: number;
  /** '' listens on the unix socket only. */
  listen: string;
  settings?: Record<string, string>;
  logFile: string;
}

export const CLUSTER_USER = 'strongroom';

/** Where Debian keeps PostgreSQL's programs: the newest version that is installed. */
export function findPostgres(): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root) : [];
  return versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'postgres')) && existsSync(join(bin, 'initdb')));
}

/** Makes an empty cluster; does nothing where there is one. TCP asks for `password`; without one TCP is closed. */
export function initCluster(options: Pick<ClusterOptions, 'dir' | 'binDir' | 'account'> & { password?: string }): void {
  const { dir, binDir, account, password } = options;
  const data = join(dir, 'data');
  for (const folder of [dir, data]) ownFolder(folder, folder === dir ? 0o755 : 0o700, account);
  if (existsSync(join(data, 'PG_VERSION'))) return;
  const passwordFile = join(dir, 'password');
  writeFileSync(passwordFile, `${password ?? randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
  if (account) chownSync(passwordFile, account.uid, account.gid);
  const args = ['-D', data, '-U', CLUSTER_USER, '-E', 'UTF8', '--locale=C.UTF-8', '--data-checksums'];
  args.push('--auth-local=trust', '--auth-host=scram-sha-256', `--pwfile=${passwordFile}`);
  const result = spawnSync(join(binDir, 'initdb'), args, {
    ...(account ? { uid: account.uid, gid: account.gid } : {}),
    cwd: dir,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
    encoding: 'utf8',
  });
  rmSync(passwordFile);
  if (result.status !== 0) {
    rmSync(data, { recursive: true, force: true });
    throw new Error(`initdb failed: ${(result.stderr || result.stdout || String(result.error)).trim()}`);
  }
}

/** The folder's cluster was made by this major version of PostgreSQL. */
export function clusterVersion(dir: string): string | undefined {
  const file = join(dir, 'data', 'PG_VERSION');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

/** Starts postgres on a cluster and returns when it takes connections. */
export async function startCluster(options: ClusterOptions): Promise<Child> {
  const { dir, socketDir, binDir, account, port, listen } = options;
  ownFolder(socketDir, 0o700, account);
  const settings: Record<string, string> = {
    listen_addresses: listen,
    port: String(port),
    unix_socket_directories: socketDir,
    unix_socket_permissions: '0700',
    logging_collector: 'off',
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const logFrom = existsSync(options.logFile) ? readFileSync(options.logFile).length : 0;
  const child = await startChild({
    command: join(binDir, 'postgres'),
    args: ['-D', join(dir, 'data'), ...flags],
    cwd: dir,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
    account,
    logFile: options.logFile,
    deathSignal: 'INT',
  });
  await readyInLog(child, options.logFile, logFrom);
  return child;
}

export function clusterUrl(options: { socketDir: string; port: number; database: string }): string {
  const host = encodeURIComponent(options.socketDir);
  return `postgresql://${CLUSTER_USER}@localhost:${options.port}/${options.database}?host=${host}`;
}

async function readyInLog(child: Child, logFile: string, from: number): Promise<void> {
  let ended: string | undefined;
  child.gone.then((how) => {
    ended = how;
  });
  for (;;) {
    const text = existsSync(logFile) ? readFileSync(logFile).subarray(from).toString() : '';
    if (/ready to accept connections/.test(text)) return;
    if (ended !== undefined) throw new Error(`PostgreSQL ${ended}: ${text.trim().split('\n').slice(-3).join(' ')}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
