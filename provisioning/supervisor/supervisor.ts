import { existsSync, writeFileSync } from 'node:fs';
import { within } from '#appliance/kernel/async.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import { type Config, loadConfig } from '#appliance/platform/config/index.ts';
import { createLog } from '#appliance/platform/log/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { isConnectionError, migrate, openDatabase } from '#appliance/platform/postgres/index.ts';
import { openSecrets } from '#appliance/platform/secrets/index.ts';
import { ROLES } from '#appliance/roles/context.ts';
import { ensureCertificates, localNames } from '../certificates/index.ts';
import type { SeedDemo } from '../seed/index.ts';
import * as seeds from '../seed/index.ts';
import { makeDataFolder, makeSubfolders, readSetupState, writeSetupState } from './data-folder.ts';
import { ChildrenFile, lockDataFolder } from './lock.ts';
import { lastWords, rotateLogs } from './logs.ts';
import { checkPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { RoleProcess } from './role-process.ts';
import { dim, step, stepDone, welcome } from './screen.ts';
import { ensurePasswords, Services, serviceAccounts } from './services.ts';

const ROLES_READY_WITHIN_MS = 60_000;
const CARE_EVERY_MS = 3_600_000;

/** Everything of one data folder, from empty to running and back. */
export class Supervisor {
  #config: Config;
  readonly #empty: boolean;
  readonly #startedAt: number;
  readonly #seedData: SeedDemo | undefined;
  #services: Services | undefined;
  #roles: RoleProcess[] = [];
  #children: ChildrenFile | undefined;
  #unlock: (() => void) | undefined;
  #care: NodeJS.Timeout | undefined;
  #stopping = false;

  /** `seed`: other data than the demo's. */
  constructor(config: Config, options: { empty: boolean; startedAt: number; seed?: SeedDemo }) {
    this.#config = config;
    this.#empty = options.empty;
    this.#startedAt = options.startedAt;
    this.#seedData = options.seed ?? (seeds as { seedDemo?: SeedDemo }).seedDemo;
  }

  async start(): Promise<void> {
    const accounts = serviceAccounts();
    const { movedTo } = makeDataFolder(
      this.#config.dataDir,
      Object.values(accounts).flatMap((one) => one ?? []),
    );
    if (movedTo)
      say(
        `The data folder is ${movedTo}; ${this.#config.dataDir} points to it, since PostgreSQL's account cannot enter here.`,
      );
    this.#config = loadConfig(process.env, { dataDir: this.#config.dataDir });
    this.#unlock = await lockDataFolder(this.#config.dataDir);
    makeSubfolders(this.#config.paths);
    rotateLogs(this.#config.paths.log);
    this.#children = new ChildrenFile(this.#config.paths.run);
    await this.#children.endLeftovers(say);
    await checkPorts(this.#config);
    this.#config = ensurePasswords(this.#config);
    const secrets = openSecrets(this.#config.paths.keys);
    this.#ensureCertificates();

    const config = this.#config;
    const log = createLog({ role: 'setup', level: 'warn' });
    this.#services = new Services({ config, accounts, children: this.#children, say });
    await step(serviceNames(config), () => this.#services!.start());
    let firstTime = false;
    const db = openDatabase(config.postgresUrl, { poolMax: 4, applicationName: 'strongroom setup' });
    try {
      await step('Database is up to date', () => migrateOrExplain(db, config));
      firstTime = await this.#seed({ config, db, log, secrets, say });
    } finally {
      await db.destroy();
    }
    if (this.#stopping) return;
    await step(`Roles ${ROLES.join(', ')} are running`, () => this.#startRoles());
    this.#care = setInterval(() => this.#takeCare(), CARE_EVERY_MS);
    process.stdout.write(`${welcome(config, { firstTime, tookMs: Date.now() - this.#startedAt })}\n`);
  }

  /** Roles first, voice before the media it talks to; then rtpengine, Redis, PostgreSQL. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#care);
    const roles = (...names: string[]) =>
      this.#roles.filter((role) => names.includes(role.role)).map((role) => role.stop());
    await Promise.all(roles('web', 'work', 'voice'));
    await Promise.all(roles('media'));
    await this.#services?.stop();
    this.#children?.clear();
    this.#unlock?.();
  }

  kill(): void {
    for (const role of this.#roles) role.kill();
    this.#services?.kill();
  }

  async #startRoles(): Promise<void> {
    const deps = { logDir: this.#config.paths.log, children: this.#children!, say };
    this.#roles = ROLES.map((role) => new RoleProcess(role, deps));
    for (const role of this.#roles) void role.run();
    const ready = new Set<RoleProcess>();
    for (const role of this.#roles)
      role.ready.then(
        () => ready.add(role),
        () => {},
      );
    await within(ROLES_READY_WITHIN_MS, Promise.all(this.#roles.map((role) => role.ready)), 'late').catch((error) => {
      if (messageOf(error) !== 'late') throw new Problem(messageOf(error));
      const late = this.#roles.filter((role) => !ready.has(role));
      throw new Problem(
        late.map((role) => `${role.role} is not ready after a minute: ${lastWords(role.logFile)}`).join('\n'),
      );
    });
  }

  /** Demo data, on an empty data folder and an empty database only. Returns whether this start made it. */
  async #seed(context: seeds.SeedContext): Promise<boolean> {
    const { config, db } = context;
    const state = readSetupState(config.dataDir);
    if (state && state.demo !== 'pending') return false;
    const seedDemo = this.#seedData;
    const wanted = !this.#empty && seedDemo !== undefined && (state !== undefined || (await hasNoUsers(db)));
    const made = { createdBy: 'npm start', createdAt: state?.createdAt ?? new Date().toISOString() };
    if (!wanted) {
      writeSetupState(config.dataDir, { ...made, demo: 'none' });
      return false;
    }
    writeSetupState(config.dataDir, { ...made, demo: 'pending' });
    const first = await step('Demo data: users, queues, a flow, phones', () => seedDemo(context));
    writeFileSync(config.paths.firstRun, `${JSON.stringify(first, null, 2)}\n`, { mode: 0o600 });
    writeSetupState(config.dataDir, { ...made, demo: 'done' });
    return true;
  }

  #ensureCertificates(): void {
    const { external, paths, tlsCert, tlsKey, host, address } = this.#config;
    if (external.certificate) {
      for (const file of [tlsCert, tlsKey])
        if (!existsSync(file)) throw new Problem(`The certificate file ${file} does not exist.`);
      return;
    }
    const from = performance.now();
    const files = { caCert: paths.caCert, keys: paths.keys, serverCert: tlsCert, serverKey: tlsKey };
    const made = ensureCertificates(files, { names: localNames([host, address]) });
    if (made.ca) stepDone("The box's own certificate authority", performance.now() - from);
    else if (made.server) stepDone('A new server certificate', performance.now() - from);
  }

  /** What a process that runs for months must look after. */
  #takeCare(): void {
    try {
      rotateLogs(this.#config.paths.log);
      this.#ensureCertificates();
    } catch (error) {
      say(messageOf(error));
    }
  }
}

function say(text: string): void {
  process.stdout.write(`${dim(new Date().toLocaleTimeString('en-GB'))} ${text}\n`);
}

function serviceNames(config: Config): string {
  const { postgres, redis, rtpengine } = config.external;
  const ours = [postgres || 'PostgreSQL', redis || 'Redis', rtpengine || 'rtpengine'].filter((name) => name !== true);
  return ours.length > 0 ? `Private ${ours.join(', ')}` : 'PostgreSQL, Redis and rtpengine as configured';
}

async function migrateOrExplain(db: Database, config: Config): Promise<void> {
  try {
    await migrate(db);
  } catch (error) {
    if (isConnectionError(error) && config.external.postgres) {
      throw new Problem(`PostgreSQL at STRONGROOM_POSTGRES_URL cannot be reached: ${messageOf(error)}`);
    }
    throw error;
  }
}

async function hasNoUsers(db: Database): Promise<boolean> {
  if (!(await db.schema.hasTable('app_user'))) return true;
  return (await db('app_user').first('id')) === undefined;
}
