import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delay } from '#appliance/kernel/async.ts';
import { type Config, loadConfig } from '#appliance/platform/config/index.ts';
import { type Database, openDatabase } from '#appliance/platform/postgres/index.ts';
import type { FirstRun } from '#provisioning/seed/index.ts';
import { Api } from '../calls/support/api.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The standard prompts take seconds to speak and are always the same: kept between runs. */
const PROMPT_CACHE = join(ROOT, 'node_modules/.cache/strongroom-prompts');

/** The whole product, started as `npm start` does, in a data folder and on ports of its own. */
export class Instance {
  readonly dir = mkdtempSync(join(tmpdir(), 'strongroom-whole-'));
  readonly env: Record<string, string>;
  readonly config: Config;
  readonly #portBase: number;
  readonly #root: string;
  #child: ChildProcess | undefined;
  #output = '';
  #db: Database | undefined;

  /**
   * `portBase`: this many ports are used from there: 40 services, then 400 for audio, then 200 for the edge. `root`: the tree
   * that runs, when it is not this one.
   */
  constructor(portBase: number, extra: Record<string, string> = {}, root = ROOT) {
    this.#portBase = portBase;
    this.#root = root;
    chmodSync(this.dir, 0o755);
    const port = (offset: number): string => String(portBase + offset);
    this.env = {
      STRONGROOM_DATA: join(this.dir, 'var'),
      STRONGROOM_BIND: '127.0.0.1',
      STRONGROOM_ADDRESS: '127.0.0.1',
      STRONGROOM_HTTPS_PORT: port(0),
      STRONGROOM_HTTP_PORT: port(1),
      STRONGROOM_SIP_PORT: port(2),
      STRONGROOM_SIP_TLS_PORT: port(3),
      STRONGROOM_POSTGRES_PORT: port(4),
      STRONGROOM_REDIS_PORT: port(5),
      STRONGROOM_RTPENGINE_PORT: port(6),
      STRONGROOM_RTP_PORTS: `${port(40)}-${port(439)}`,
      STRONGROOM_EDGE_PORTS: `${port(440)}-${port(639)}`,
      STRONGROOM_MEDIA_WORKERS: '1',
      ...extra,
    };
    this.config = loadConfig(this.env);
  }

  /** A port for a counterpart of this instance. */
  port(offset: number): number {
    return this.#portBase + 7 + offset;
  }

  get sipPort(): number {
    return this.config.sipPort;
  }

  async start(): Promise<this> {
    const prompts = this.config.paths.prompts;
    if (existsSync(PROMPT_CACHE) && !existsSync(prompts)) {
      mkdirSync(prompts, { recursive: true, mode: 0o750 });
      cpSync(PROMPT_CACHE, prompts, { recursive: true });
    }
    this.#output = '';
    const child = spawn(process.execPath, [join(this.#root, 'provisioning/supervisor/main.ts')], {
      cwd: this.#root,
      env: { ...cleanEnv(), ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        this.#output += data;
      });
    }
    for (let waited = 0; !this.#output.includes('is ready'); waited += 50) {
      if (child.exitCode !== null || waited > 90_000)
        throw new Error(`The product did not start:\n${this.#output}\n${this.logs()}`);
      await delay(50);
    }
    if (!existsSync(PROMPT_CACHE)) cpSync(prompts, PROMPT_CACHE, { recursive: true });
    return this;
  }

  async stop(): Promise<void> {
    await this.#db?.destroy();
    this.#db = undefined;
    await this.halt();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** As Ctrl-C; the data folder stays. */
  async halt(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await Promise.race([gone, delay(30_000)]);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      throw new Error(`The product did not stop within 30 s:\n${this.#output}`);
    }
  }

  /** kill -9 of a role's process; the supervisor starts it again. */
  killRole(role: string): number {
    const pid = this.pidOf(role);
    process.kill(pid, 'SIGKILL');
    return pid;
  }

  /** The process that runs a role. */
  pidOf(role: string): number {
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      try {
        const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
        const environment = readFileSync(`/proc/${entry}/environ`, 'utf8');
        if (
          words.some((word) => word.endsWith('appliance/main.ts')) &&
          words.includes(role) &&
          environment.includes(`STRONGROOM_DATA=${this.env.STRONGROOM_DATA}\0`)
        )
          return Number(entry);
      } catch {
        // gone meanwhile
      }
    }
    throw new Error(`No process of role ${role}`);
  }

  get firstRun(): FirstRun {
    return JSON.parse(readFileSync(this.config.paths.firstRun, 'utf8')) as FirstRun;
  }

  get db(): Database {
    this.#db ??= openDatabase(
      // Passwords of the private services are made at the first start.
      loadConfig(this.env).postgresUrl,
      { poolMax: 3, applicationName: 'test' },
    );
    return this.#db;
  }

  get ca(): Buffer {
    return readFileSync(this.config.paths.caCert);
  }

  async signIn(username: string): Promise<Api> {
    return new Api(this.config.httpsPort, this.ca).signIn(username, this.firstRun.users[username]!.password);
  }

  anonymous(): Api {
    return new Api(this.config.httpsPort, this.ca);
  }

  /** The end of every log, for a test that failed. */
  logs(lines = 15): string {
    const dir = this.config.paths.log;
    if (!existsSync(dir)) return '';
    return readdirSync(dir)
      .map((file) => `== ${file}\n${readFileSync(join(dir, file), 'utf8').split('\n').slice(-lines).join('\n')}`)
      .join('\n');
  }
}

function cleanEnv(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STRONGROOM_')));
}
