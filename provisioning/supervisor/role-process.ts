import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { delay } from '#appliance/kernel/async.ts';
import type { Role } from '#appliance/roles/context.ts';
import type { SupervisorMessage } from '#appliance/roles/notify.ts';
import type { Child } from '../services/child.ts';
import { startChild } from '../services/child.ts';
import type { ChildrenFile } from './lock.ts';

const MAIN = fileURLToPath(new URL('../../appliance/main.ts', import.meta.url));
/** A process that says nothing over so many looks hangs: three times the slowest event loop that still serves calls. */
const SILENT_LOOKS = 10;
const LOOK_EVERY_MS = 2000;
/** Room for what a burst of calls allocates: collected young, it costs nothing; grown old, it does. */
export const V8_FLAGS: Partial<Record<Role, string[]>> = {
  voice: ['--min-semi-space-size=32', '--max-semi-space-size=32'],
};
/** As in its unit in systemd/: audio before everything else. */
export const NICE: Partial<Record<Role, number>> = { media: -10 };
const BACK_OFF_MS = [0, 250, 1000, 2000, 5000, 10_000];
/** Having lived so long, the next end counts as the first again. */
const SETTLED_MS = 30_000;
const STOP_WITHIN_MS = 25_000;
/** sysexits.h EX_CONFIG: it would fail again. */
const EXIT_CONFIG = 78;

/** One role as a child process: started again when it ends by itself or hangs, the first time at once. */
export class RoleProcess {
  readonly role: Role;
  readonly #logDir: string;
  readonly #children: ChildrenFile;
  readonly #say: (text: string) => void;
  readonly #main: string;
  #child: Child | undefined;
  #stopping = false;
  #ready = Promise.withResolvers<void>();
  readonly #lookEveryMs: number;
  /** Looks, not time: after this process stood still, or the clock was stepped, nobody is guilty of silence. */
  #silentLooks = 0;

  constructor(
    role: Role,
    deps: {
      logDir: string;
      children: ChildrenFile;
      say: (text: string) => void;
      main?: string;
      lookEveryMs?: number;
    },
  ) {
    this.role = role;
    this.#logDir = deps.logDir;
    this.#children = deps.children;
    this.#say = deps.say;
    this.#main = deps.main ?? MAIN;
    this.#lookEveryMs = deps.lookEveryMs ?? LOOK_EVERY_MS;
    this.#ready.promise.catch(() => {});
  }

  get logFile(): string {
    return join(this.#logDir, `${this.role}.log`);
  }

  /** Resolves when the role says that it is ready; rejects when it cannot be configured. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  async run(): Promise<void> {
    let ends = 0;
    while (!this.#stopping) {
      const startedAt = performance.now();
      const how = await this.#once();
      if (this.#stopping) return;
      if (how === `ended with code ${EXIT_CONFIG}`) {
        this.#ready.reject(new Error(`${this.role} cannot be configured; see ${this.logFile}`));
        return;
      }
      if (performance.now() - startedAt > SETTLED_MS) ends = 0;
      const waitMs = BACK_OFF_MS[Math.min(ends++, BACK_OFF_MS.length - 1)]!;
      this.#say(
        `${this.role} ${how}; starting it again${waitMs > 0 ? ` in ${waitMs / 1000} s` : ''}. Its log: ${this.logFile}`,
      );
      if (waitMs > 0) await delay(waitMs);
    }
  }

  async stop(withinMs = STOP_WITHIN_MS): Promise<void> {
    this.#stopping = true;
    await this.#child?.stop('SIGTERM', withinMs);
  }

  kill(): void {
    this.#stopping = true;
    this.#child?.kill('SIGKILL');
  }

  async #once(): Promise<string> {
    this.#silentLooks = 0;
    const child = await startChild({
      command: process.execPath,
      args: [...(V8_FLAGS[this.role] ?? []), this.#main, this.role],
      logFile: this.logFile,
      deathSignal: 'TERM',
      onMessage: (message) => this.#hear(message as SupervisorMessage),
    });
    this.#child = child;
    this.#children.add(this.role, child.pid);
    this.#prefer(child.pid);
    const watch = setInterval(() => {
      if (++this.#silentLooks <= SILENT_LOOKS) return;
      this.#say(`${this.role} has not answered for ${(SILENT_LOOKS * this.#lookEveryMs) / 1000} s; ending it`);
      child.kill('SIGKILL');
    }, this.#lookEveryMs);
    if (this.#stopping) child.kill('SIGTERM');
    const how = await child.gone;
    clearInterval(watch);
    this.#child = undefined;
    return how;
  }

  /** Before it has threads and children of its own, which inherit it. */
  #prefer(pid: number): void {
    const nice = NICE[this.role];
    if (nice === undefined) return;
    try {
      setPriority(pid, nice);
      // Each child is a session of its own, and sessions are weighed before processes (sched(7), autogroups).
      writeFileSync(`/proc/${pid}/autogroup`, String(nice));
    } catch {
      // Only root may prefer, and not every kernel has groups.
    }
  }

  #hear(message: SupervisorMessage): void {
    this.#silentLooks = 0;
    if (message === 'ready') this.#ready.resolve();
  }
}
