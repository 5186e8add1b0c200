import { delay } from '#appliance/kernel/async.ts';
import { Instance } from '#test/support/instance.ts';
import { auditFloor } from './audit-floor.ts';
import { SteppedClock } from './clock.ts';
import { SmallDisk } from './disk.ts';
import { Ear } from './ear.ts';
import { Load, type Round, TALKING, WAITING } from './load.ts';
import { AgentNetwork } from './net.ts';
import { InstalledTree } from './next-version.ts';
import { Processes } from './processes.ts';
import { type Conversation, conversations, fatal, places } from './situation.ts';

/** What comes late, such as a call ended by mistake after the return, comes within this. */
const AFTERMATH_MS = 2000;
/** Long enough for an hour of recordings, short enough to be filled in a second. */
const SPOOL_MB = 1024;
const DATABASE_MB = 700;

export interface Needs {
  network?: boolean;
  clock?: boolean;
  spool?: boolean;
  databaseDisk?: boolean;
  tree?: boolean;
}

/** What became of everybody, in figures. */
export interface Look {
  callsKept: number;
  placesKept: number;
  /** Rules that the books break. */
  books: string[];
  /** What phones saw that they should not have seen. */
  phones: string;
  fatal: string;
}

/** A whole instance with its load, its own network, clock and disks as far as this machine allows them. */
export class Stage {
  readonly instance: Instance;
  readonly processes: Processes;
  readonly network: AgentNetwork | undefined;
  readonly clock: SteppedClock | undefined;
  readonly spool: SmallDisk | undefined;
  readonly databaseDisk: SmallDisk | undefined;
  readonly tree: InstalledTree | undefined;
  load!: Load;
  round!: Round;
  ear!: Ear;
  /** Mends what is broken now. */
  undo: (() => unknown) | undefined;
  #waiting: Awaited<ReturnType<typeof places>> = [];
  #talks: Conversation[] = [];

  constructor(portBase: number, needs: Needs) {
    this.network = needs.network ? AgentNetwork.make() : undefined;
    this.clock = needs.clock ? SteppedClock.make() : undefined;
    this.tree = needs.tree ? new InstalledTree() : undefined;
    const { network, clock, tree } = this;
    const env = {
      ...(network && { STRONGROOM_BIND: '0.0.0.0', STRONGROOM_ADDRESS: network.boxAddress }),
      ...clock?.env,
    };
    this.instance = new Instance(portBase, env, tree?.root);
    this.processes = new Processes(this.instance);
    const { paths, dataDir } = this.instance.config;
    this.spool = needs.spool ? SmallDisk.make(paths.spool, SPOOL_MB) : undefined;
    this.databaseDisk = needs.databaseDisk ? SmallDisk.make(`${dataDir}/postgres`, DATABASE_MB) : undefined;
  }

  async open(): Promise<this> {
    await this.instance.start();
    const { network } = this;
    this.load = await new Load(this.instance).prepare(
      network && { address: network.agentAddress, within: network.within },
      1,
    );
    this.ear = await Ear.call(this.instance);
    this.round = await this.load.begin();
    await delay(2000);
    this.#waiting = await places(this.instance);
    this.#talks = await conversations(this.instance);
    return this;
  }

  /** Everybody talks or waits as before: waits for it, at most so long. */
  async settled(withinMs: number): Promise<boolean> {
    return this.load.until(this.round, { active: TALKING, waiting: WAITING }, withinMs).then(
      () => true,
      () => false,
    );
  }

  /** `held`: agents may have been away from their conversations, which go on all the same. */
  async look(held = false): Promise<Look> {
    await delay(AFTERMATH_MS);
    const { instance, load, round, ear } = this;
    const word = (one: Conversation) => (held ? `${one.interaction_id} ${one.agent_id}` : JSON.stringify(one));
    const talks = await conversations(instance);
    const now = new Set(talks.map(word));
    const callsKept = this.#talks.filter((one) => now.has(word(one))).length;
    if (callsKept === this.#talks.length) this.#talks = talks;
    const waiting = new Set((await places(instance)).map((one) => JSON.stringify(one)));
    return {
      callsKept,
      placesKept: this.#waiting.filter((one) => waiting.has(JSON.stringify(one))).length,
      books: await auditFloor(instance, { sam: load.sam, recordings: false }),
      phones: load.complaints(round) + (ear.lost ? 'the listener was hung up on' : ''),
      fatal: fatal(instance),
    };
  }

  /** Talkers and the listener. */
  get talks(): number {
    return this.#talks.length;
  }

  get waiting(): Awaited<ReturnType<typeof places>> {
    return this.#waiting;
  }

  async close(): Promise<void> {
    await this.undo?.();
    await this.ear?.hangUp().catch(() => {});
    await this.load?.close();
    await this.instance.halt().catch((error) => process.stderr.write(`${String(error).slice(0, 300)}\n`));
    this.spool?.remove();
    this.databaseDisk?.remove();
    await this.instance.stop().catch(() => {});
    this.network?.remove();
    this.clock?.remove();
    this.tree?.remove();
  }
}
