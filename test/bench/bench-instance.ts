import { type ChildProcess, fork } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#appliance/kernel/clock.ts';
import { createBus } from '#appliance/platform/bus/index.ts';
import { type Config, loadConfig } from '#appliance/platform/config/index.ts';
import { createLog } from '#appliance/platform/log/index.ts';
import { type Database, openDatabase } from '#appliance/platform/postgres/index.ts';
import type { Floor } from './seed.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROMPT_CACHE = join(ROOT, 'node_modules/.cache/strongroom-prompts');
const CARE_MS = 1000;

export interface BenchOptions extends Floor {
  sipPort: number;
  /** HTTPS, HTTP, SIP over TLS, PostgreSQL, Redis, rtpengine, from here on. */
  servicePorts: number;
  rtpPorts: string;
  edgePorts: string;
  workers: number;
  /** Without the words of the start. */
  quiet?: boolean;
  /** More of the environment, such as NODE_OPTIONS for a profile. */
  env?: Record<string, string>;
}

/** A whole instance in a scratch data folder, laid out for load. This process is beside it, not part of it. */
export class BenchInstance {
  readonly dir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'));
  readonly #options: BenchOptions;
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  #db: Database | undefined;
  #care: NodeJS.Timeout | undefined;

  constructor(options: BenchOptions) {
    this.#options = options;
    chmodSync(this.dir, 0o755);
    const port = (offset: number) => String(options.servicePorts + offset);
    this.#env = {
      STRONGROOM_DATA: join(this.dir, 'var'),
      STRONGROOM_BIND: '127.0.0.1',
      STRONGROOM_ADDRESS: '127.0.0.1',
      STRONGROOM_SIP_PORT: String(options.sipPort),
      STRONGROOM_HTTPS_PORT: port(0),
      STRONGROOM_HTTP_PORT: port(1),
      STRONGROOM_SIP_TLS_PORT: port(2),
      STRONGROOM_POSTGRES_PORT: port(3),
      STRONGROOM_REDIS_PORT: port(4),
      STRONGROOM_RTPENGINE_PORT: port(5),
      STRONGROOM_RTP_PORTS: options.rtpPorts,
      STRONGROOM_EDGE_PORTS: options.edgePorts,
      STRONGROOM_MEDIA_WORKERS: String(options.workers),
    };
  }

  /** The parent of everything the product runs. */
  get pid(): number {
    return this.#child!.pid!;
  }

  get config(): Config {
    return loadConfig(this.#env);
  }

  get db(): Database {
    this.#db ??= openDatabase(this.config.postgresUrl, { poolMax: 1, applicationName: 'bench' });
    return this.#db;
  }

  async start(): Promise<this> {
    const { agents, agentAddress, env } = this.#options;
    const { prompts } = this.config.paths;
    if (existsSync(PROMPT_CACHE)) {
      mkdirSync(prompts, { recursive: true, mode: 0o750 });
      cpSync(PROMPT_CACHE, prompts, { recursive: true });
    }
    const child = fork(join(import.meta.dirname, 'supervise.ts'), {
      cwd: ROOT,
      stdio: ['ignore', this.#options.quiet ? 'ignore' : 'inherit', 'inherit', 'ipc'],
      env: {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STRONGROOM_'))),
        ...this.#env,
        ...env,
        STRONGROOM_BENCH_FLOOR: JSON.stringify({ agents, agentAddress }),
      },
      // Ctrl-C at the terminal reaches this process alone; it ends the other.
      detached: true,
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new Error(`the instance ended with ${code} while it started`)));
    });
    this.#care = setInterval(() => void this.#keepReady().catch(() => {}), CARE_MS);
    return this;
  }

  get gone(): Promise<unknown> {
    return new Promise((resolve) => this.#child!.once('exit', resolve));
  }

  async stop(): Promise<void> {
    clearInterval(this.#care);
    await this.#db?.destroy();
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = this.gone;
      child.kill('SIGTERM');
      await gone;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** The end of every log. */
  logs(lines = 10): string {
    const dir = this.config.paths.log;
    return readdirSync(dir)
      .map((file) => `== ${file}\n${readFileSync(join(dir, file), 'utf8').split('\n').slice(-lines).join('\n')}`)
      .join('\n');
  }

  /** Agents of a floor for measurements are always ready, also after a run left their phones unanswered. */
  async #keepReady(): Promise<void> {
    const off = await this.db('presence').whereNot({ state: 'ready' }).pluck('agent_id');
    if (off.length === 0) return;
    const log = createLog({ role: 'bench', level: 'silent' });
    const bus = await createBus({ redisUrl: this.config.redisUrl, instance: 'bench', log });
    try {
      for (const agentId of off) {
        await bus
          .call('router', 'presence.set', { agentId, state: 'ready', by: agentId })
          .catch((error) => log.warn({ err: error, at: systemClock.now() }, 'an agent stays away'));
      }
    } finally {
      await bus.close();
    }
  }
}
