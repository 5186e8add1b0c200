import { within } from '#appliance/kernel/async.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';

/** The advisory lock of the one router that leads. */
export const ROUTER_LOCK = 7301;

const RETRY_MS = 500;
const HEARTBEAT_MS = 5000;
const SETTLE_MS = 1000;

/** The part of a pg connection that is used. */
interface Connection {
  query(sql: string, values: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  on(event: 'error' | 'end', listener: (error?: unknown) => void): void;
  end(): Promise<void>;
}

/**
 * One leader among all routers on one database: the lock belongs to a connection of its own, so PostgreSQL gives it to the
 * next one as soon as the holder is gone.
 *
 * When only the connection is lost (PostgreSQL restarted, network), this process stays leader: nobody else can have taken
 * the lock while PostgreSQL is away. As soon as it is back the lock is asked for again, and only when another process was
 * quicker does this one step down.
 */
export class Leadership {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #lock: number;
  readonly #onChange: (leading: boolean) => Promise<void> | void;
  #connection: Connection | undefined;
  #leading = false;
  #stopped = false;
  #first: (() => void) | undefined;
  /** The session that held the lead last. */
  #pid = 0;

  constructor(deps: {
    db: Database;
    clock: Clock;
    log: Log;
    lock?: number;
    onChange(leading: boolean): Promise<void> | void;
  }) {
    this.#db = deps.db;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#lock = deps.lock ?? ROUTER_LOCK;
    this.#onChange = deps.onChange;
  }

  get leading(): boolean {
    return this.#leading;
  }

  /** Resolves when it is known whether this process leads; it goes on trying by itself. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#first = resolve;
      void this.#run();
    });
  }

  async stop(): Promise<void> {
    const held = this.#leading;
    this.#stopped = true;
    this.#leading = false;
    const connection = this.#connection;
    this.#connection = undefined;
    // Said aloud, so that the next one need not wait for PostgreSQL to notice the end.
    const unlocked = held && connection?.query('select pg_advisory_unlock($1)', [this.#lock]);
    if (unlocked) await within(SETTLE_MS, unlocked, 'PostgreSQL does not answer').catch(() => {});
    await connection?.end().catch(() => {});
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        const connection = await this.#connect();
        const lost = new Promise<void>((resolve) => {
          connection.on('error', () => resolve());
          connection.on('end', () => resolve());
        });
        const { rows } = await connection.query('select pg_try_advisory_lock($1) as got', [this.#lock]);
        if (rows[0]?.got !== true) {
          if (this.#leading && (await this.#endOwnSession(connection)))
            throw new Error('the former session still held the lead');
          if (this.#leading) await this.#become(false);
          // A process that was killed a moment ago still holds it for some milliseconds: only then is somebody else leading.
          setTimeout(() => this.#known(), SETTLE_MS).unref();
          // Waits in PostgreSQL: the lock arrives when the leader's connection ends, without asking again.
          await Promise.race([
            connection.query('select pg_advisory_lock($1)', [this.#lock]),
            lost.then(() => Promise.reject(new Error('connection lost'))),
          ]);
        }
        if (!this.#leading && !this.#stopped) await this.#become(true);
        const { rows: session } = await connection.query('select pg_backend_pid() as pid', []);
        this.#pid = Number(session[0]?.pid);
        this.#known();
        await this.#hold(connection, lost);
        if (!this.#stopped)
          this.#log.warn('the connection that holds the lead is lost; going on until somebody else has it');
      } catch (error) {
        if (!this.#stopped) this.#log.warn({ error: messageOf(error) }, 'the lead could not be asked for');
        await this.#connection?.end().catch(() => {});
      }
      this.#connection = undefined;
      if (!this.#stopped) await new Promise<void>((resolve) => setTimeout(resolve, RETRY_MS).unref());
    }
  }

  /** After a broken network PostgreSQL may still keep the lost connection, and with it the lock: then nobody else leads. */
  async #endOwnSession(connection: Connection): Promise<boolean> {
    const { rows } = await connection.query(
      `select pg_terminate_backend(pid) as ended from pg_locks where locktype = 'advisory' and granted and objid = $1 and pid = $2
       and database = (select oid from pg_database where datname = current_database())`,
      [this.#lock, this.#pid],
    );
    return rows.length > 0;
  }

  async #connect(): Promise<Connection> {
    const connection = (await this.#db.client.acquireRawConnection()) as Connection;
    this.#connection = connection;
    return connection;
  }

  /** A connection can be dead without a sign: a heartbeat finds out. */
  async #hold(connection: Connection, lost: Promise<void>): Promise<void> {
    let over = false;
    const ended = lost.then(() => {
      over = true;
    });
    while (!over && !this.#stopped) {
      let cancel = () => {};
      const beat = new Promise<void>((resolve) => {
        cancel = this.#clock.after(HEARTBEAT_MS, resolve);
      });
      await Promise.race([beat, ended]);
      cancel();
      if (over || this.#stopped) return;
      const timeout = new Promise<never>((_, reject) =>
        setTimeout(() => reject(new Error('no heartbeat')), HEARTBEAT_MS).unref(),
      );
      await Promise.race([connection.query('select 1', []), ended, timeout]);
    }
  }

  async #become(leading: boolean): Promise<void> {
    await this.#onChange(leading);
    this.#leading = leading;
    this.#log.info({ leading }, leading ? 'this process routes now' : 'another process routes now');
  }

  #known(): void {
    this.#first?.();
    this.#first = undefined;
  }
}
