import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Instance } from '#test/support/instance.ts';

export type Part = 'voice' | 'media' | 'web' | 'work' | 'postgres' | 'redis' | 'rtpengine';

/** The processes of one instance, found by what its supervisor wrote down: nothing else on the machine is touched. */
export class Processes {
  readonly #instance: Instance;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  pidOf(part: Part): number {
    const file = join(this.#instance.config.paths.run, 'children.json');
    const known = JSON.parse(readFileSync(file, 'utf8')) as { name: string; pid: number }[];
    const found = known.filter(({ name, pid }) => name === part && alive(pid)).at(-1);
    if (!found) throw new Error(`${part} is not running`);
    return found.pid;
  }

  /** Who starts the parts and starts them again. */
  supervisorOf(part: Part): number {
    return Number(
      readFileSync(`/proc/${this.pidOf(part)}/stat`, 'utf8')
        .split(') ')
        .at(-1)!
        .split(' ')[1],
    );
  }

  isNew(part: Part, than: number): boolean {
    try {
      return this.pidOf(part) !== than;
    } catch {
      return false;
    }
  }

  /** kill -9 of the process (of PostgreSQL: the postmaster and everything it started, as a crash of the machine would). */
  kill(part: Part): number {
    const pid = this.pidOf(part);
    for (const one of part === 'postgres' ? family(pid) : [pid]) signal(one, 'SIGKILL');
    return pid;
  }

  /** The process that switches audio now, a child of the role: the one of its children that owns the control socket. */
  switchPid(): number {
    const socket = this.#instance.config.paths.mediaSocket;
    const inode = readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .filter((line) => line.endsWith(` ${socket}`) && line.split(/\s+/)[5] === '01')
      .map((line) => line.split(/\s+/)[6]!);
    for (const pid of family(this.pidOf('media')).slice(1)) {
      try {
        const fds = readdirSync(`/proc/${pid}/fd`);
        if (fds.some((fd) => inode.some((one) => linkOf(pid, fd) === `socket:[${one}]`))) return pid;
      } catch {
        // gone meanwhile
      }
    }
    throw new Error('No switch listens');
  }

  /** They stand still (PostgreSQL with everything it started); the returned function lets them go on. */
  freeze(...parts: Part[]): () => void {
    const pids = parts.flatMap((part) => (part === 'postgres' ? family(this.pidOf(part)) : [this.pidOf(part)]));
    for (const pid of pids) signal(pid, 'SIGSTOP');
    return () => {
      for (const pid of pids) signal(pid, 'SIGCONT');
    };
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone meanwhile
  }
}

function alive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function linkOf(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return '';
  }
}

/** The process and all its descendants, parents first. */
function family(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const parent = Number(readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // gone meanwhile
    }
  }
  const all = [pid];
  for (let i = 0; i < all.length; i++) all.push(...(children.get(all[i]!) ?? []));
  return all;
}
