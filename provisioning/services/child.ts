import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, closeSync, mkdirSync, openSync } from 'node:fs';

/** Who a service runs as when we are root; undefined: as ourselves. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

export interface ChildOptions {
  command: string;
  args: string[];
  cwd?: string;
  env?: Record<string, string | undefined>;
  account?: Account | undefined;
  /** Standard output and error are appended here; without it `onOutput` gets them, or nobody does. */
  logFile?: string;
  onOutput?: (text: string) => void;
  /** Opens a channel: the child's process.send() arrives here. */
  onMessage?: (message: unknown) => void;
  /** What the kernel sends the child when we die, however we die. */
  deathSignal: 'INT' | 'TERM' | 'QUIT' | 'KILL';
}

/** A process that cannot outlive us. */
export class Child {
  readonly pid: number;
  /** Resolves with a sentence when the process is gone. */
  readonly gone: Promise<string>;
  #process: ChildProcess;
  #running = true;

  constructor(process: ChildProcess, pid: number, gone: Promise<string>) {
    this.#process = process;
    this.pid = pid;
    this.gone = gone.finally(() => {
      this.#running = false;
    });
  }

  get running(): boolean {
    return this.#running;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#running) this.#process.kill(signal);
  }

  /** Asks, waits, and insists. */
  async stop(signal: NodeJS.Signals, withinMs: number): Promise<void> {
    this.kill(signal);
    const timer = setTimeout(() => this.kill('SIGKILL'), withinMs);
    await this.gone;
    clearTimeout(timer);
  }
}

/** The first of these accounts that exists, when we are root and must not stay it. */
export function unprivilegedAccount(names: string[]): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of names) {
    const uid = spawnSync('id', ['-u', name], { encoding: 'utf8' });
    const gid = spawnSync('id', ['-g', name], { encoding: 'utf8' });
    if (uid.status === 0 && gid.status === 0) return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new Error(`None of the accounts ${names.join(', ')} exists on this machine`);
}

/** A folder with exactly this owner and mode. */
export function ownFolder(path: string, mode: number, account?: Account): void {
  mkdirSync(path, { recursive: true, mode });
  chmodSync(path, mode);
  if (account) chownSync(path, account.uid, account.gid);
}

export async function startChild(options: ChildOptions): Promise<Child> {
  const { account, logFile } = options;
  // The parent-death signal is lost when the user id changes, so setpriv does both, in that order.
  const become = account ? [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--init-groups'] : [];
  const args = [...become, `--pdeathsig=${options.deathSignal}`, '--', options.command, ...options.args];
  const output = logFile ? openSync(logFile, 'a', 0o600) : options.onOutput ? 'pipe' : 'ignore';
  const child = spawn('setpriv', args, {
    ...(options.cwd ? { cwd: options.cwd } : {}),
    env: options.env ?? process.env,
    stdio: options.onMessage ? ['ignore', output, output, 'ipc'] : ['ignore', output, output],
    // A group of its own: Ctrl-C in the terminal reaches us alone, and we stop things in order.
    detached: true,
  });
  if (typeof output === 'number') closeSync(output);
  child.stdout?.on('data', (data: Buffer) => options.onOutput?.(data.toString()));
  child.stderr?.on('data', (data: Buffer) => options.onOutput?.(data.toString()));
  if (options.onMessage) child.on('message', options.onMessage);
  const gone = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `ended with code ${code}`));
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
  });
  if (child.pid === undefined) throw new Error(`${options.command} ${await gone}`);
  return new Child(child, child.pid, gone);
}
