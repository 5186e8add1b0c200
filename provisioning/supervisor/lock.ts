import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { delay } from '#appliance/kernel/async.ts';
import { Problem } from './problem.ts';

/**
 * One supervisor per data folder. The lock is an abstract unix socket: the kernel lets it go with the process, however
 * that ends, so a lock is never stale.
 */
export async function lockDataFolder(dataDir: string): Promise<() => void> {
  const name = `\0strongroom-${createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 32)}`;
  const server: Server = createServer((socket) => socket.end(String(process.pid)));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(name, resolve);
  }).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    const pid = await ask(name);
    throw new Problem(
      `Strongroom already runs on ${dataDir} (process ${pid}): stop it with Ctrl-C there, or with kill ${pid}.`,
    );
  });
  server.unref();
  return () => server.close();
}

const ROLE_PATIENCE_MS = 2000;
const POSTGRES_PATIENCE_MS = 15_000;

interface Known {
  name: string;
  pid: number;
  /** A pid is used again one day; pid and start time together are not. */
  startedAt: string;
}

/** The processes that this data folder's supervisor started, on disk for the next one. */
export class ChildrenFile {
  readonly #file: string;
  #children: Known[] = [];

  constructor(runDir: string) {
    this.#file = join(runDir, 'children.json');
  }

  /** What the last supervisor of this data folder had started. */
  static read(runDir: string): Known[] {
    return readKnown(join(runDir, 'children.json'));
  }

  add(name: string, pid: number): void {
    const startedAt = startTime(pid);
    if (!startedAt) return;
    this.#children = [...this.#children.filter((child) => child.name !== name), { name, pid, startedAt }];
    writeFileSync(this.#file, JSON.stringify(this.#children), { mode: 0o600 });
  }

  clear(): void {
    rmSync(this.#file, { force: true });
  }

  /** Ends what a supervisor that was killed has left behind. Its children were told by the kernel; most are gone already. */
  async endLeftovers(say: (text: string) => void): Promise<void> {
    const left = readKnown(this.#file).filter((child) => startTime(child.pid) === child.startedAt);
    if (left.length === 0) return;
    say(`Ending what the last run left behind: ${left.map((child) => child.name).join(', ')}`);
    const alive = () => left.filter((child) => startTime(child.pid) === child.startedAt);
    const signal = (name: NodeJS.Signals, of: Known[]) => {
      for (const child of of) {
        try {
          process.kill(child.pid, name);
        } catch {
          // gone in between
        }
      }
    };
    const isPostgres = (child: Known) => child.name === 'postgres';
    signal(
      'SIGTERM',
      left.filter((child) => !isPostgres(child)),
    );
    signal('SIGINT', left.filter(isPostgres));
    // A role waits for a database that is going away as well; it has nothing left to finish. PostgreSQL has to write.
    await settled(alive, ROLE_PATIENCE_MS);
    signal(
      'SIGKILL',
      alive().filter((child) => !isPostgres(child)),
    );
    await settled(alive, POSTGRES_PATIENCE_MS);
    signal('SIGKILL', alive());
    await settled(alive, 5000);
    this.clear();
  }
}

function readKnown(file: string): Known[] {
  try {
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Known[]) : [];
  } catch {
    // Cut off by a power failure; then the processes are gone as well.
    return [];
  }
}

async function settled(alive: () => Known[], withinMs: number): Promise<void> {
  for (let waitedMs = 0; alive().length > 0 && waitedMs < withinMs; waitedMs += 50) await delay(50);
}

/** Field 22 of /proc/<pid>/stat with the boot's id; undefined when there is no such process, or only its remains. */
function startTime(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    if (fields[0] === 'Z') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${fields[19]}`;
  } catch {
    return undefined;
  }
}

function ask(name: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(name);
    socket.setTimeout(1000, () => socket.destroy());
    socket.once('data', (data) => resolve(data.toString()));
    socket.once('error', () => resolve('unknown'));
    socket.once('close', () => resolve('unknown'));
  });
}
