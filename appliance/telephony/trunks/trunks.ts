import { lookup } from 'node:dns/promises';
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { CrudStore } from '#appliance/platform/postgres/index.ts';
import type { Flow, SipRequest } from '../sip/index.ts';
import { CallRate } from './call-rate.ts';
import type { TrunkStatusRow } from './status-store.ts';
import { everyRow, type TrunkRow } from './store.ts';
import { Trunk } from './trunk.ts';
import { TrunkLife, type TrunkSip, type TrunkState } from './trunk-life.ts';

export interface Trunks {
  /** Loads all trunks, registers where wanted, watches their health. */
  start(): Promise<void>;
  /** Gives registrations back. */
  stop(): Promise<void>;
  /** After `config.changed` of a trunk. Calls in progress stay. */
  reload(): Promise<void>;
  get(id: string): Trunk | undefined;
  list(): Trunk[];
  state(id: string): TrunkState | undefined;
  /** The trunk that a call from this source belongs to. */
  match(flow: Pick<Flow, 'remote'>, request: SipRequest): Trunk | undefined;
  /** Trunks for a call out, best first: enabled, up, with a free channel; those that look down come last. */
  outbound(options: { trunkId?: string | undefined; channels(trunkId: string): number }): Trunk[];
  /** A call begins on the trunk; false when this second has had as many as agreed. */
  begin(trunkId: string): boolean;
  /** What a call out has shown about the trunk: it answered, or nothing came. */
  witness(trunkId: string, answered: boolean): void;
}

export interface TrunksOptions {
  store: Pick<CrudStore<TrunkRow>, 'list'>;
  sip: TrunkSip;
  clock: Clock;
  log: Log;
  instance: string;
  /** Opens sealed passwords. */
  open(sealed: string): string;
  /** A trunk went up or down. */
  changed(trunkId: string, up: boolean): void;
  saveStatus(row: TrunkStatusRow): Promise<void>;
  /** Addresses of a host name. */
  resolve?(host: string): Promise<string[]>;
}

const RESOLVE_EVERY_MS = 300_000;

export function createTrunks(options: TrunksOptions): Trunks {
  const { store, clock, log } = options;
  const resolve = options.resolve ?? systemResolve;
  const lives = new Map<string, TrunkLife>();
  let ordered: TrunkLife[] = [];
  const rates = new Map<string, CallRate>();
  let cancelResolving: (() => void) | undefined;
  let loading: Promise<void> = Promise.resolve();

  async function load(): Promise<void> {
    const rows = await everyRow(store);
    const seen = new Set<string>();
    for (const row of rows) {
      seen.add(row.id);
      const life = lives.get(row.id);
      if (life?.trunk.row.version === row.version) continue;
      void life?.stop();
      const trunk = new Trunk(row, passwordOf(row));
      const next = new TrunkLife(trunk, options);
      lives.set(row.id, next);
      void resolveHosts(trunk);
      next.start();
      if (row.maxCallsPerS) rates.set(row.id, new CallRate(row.maxCallsPerS));
      else rates.delete(row.id);
    }
    for (const [id, life] of lives) {
      if (seen.has(id)) continue;
      lives.delete(id);
      rates.delete(id);
      void life.stop();
    }
    ordered = [...lives.values()].sort(
      (a, b) => a.trunk.row.position - b.trunk.row.position || a.trunk.row.name.localeCompare(b.trunk.row.name),
    );
  }

  function reload(): Promise<void> {
    loading = loading.then(load, load);
    return loading;
  }

  function passwordOf(row: TrunkRow): string | undefined {
    if (!row.passwordSealed) return undefined;
    try {
      return options.open(row.passwordSealed);
    } catch (error) {
      log.error({ trunk: row.name, error: messageOf(error) }, 'the password of a trunk cannot be opened');
      return undefined;
    }
  }

  async function resolveHosts(trunk: Trunk): Promise<void> {
    const found = await Promise.allSettled(trunk.hosts.map(resolve));
    const addresses = found.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    for (const [index, result] of found.entries()) {
      if (result.status === 'rejected')
        log.warn(
          { trunk: trunk.row.name, host: trunk.hosts[index], error: messageOf(result.reason) },
          'the host of a trunk cannot be found',
        );
    }
    // While the name server is away the last known addresses stay good.
    if (addresses.length > 0 || found.every((result) => result.status === 'fulfilled')) trunk.resolved(addresses);
  }

  function resolveAgain(): void {
    cancelResolving = clock.after(RESOLVE_EVERY_MS, () => {
      void Promise.all(ordered.map((life) => resolveHosts(life.trunk))).finally(resolveAgain);
    });
  }

  return {
    async start() {
      await reload();
      resolveAgain();
    },
    async stop() {
      cancelResolving?.();
      await Promise.all([...lives.values()].map((life) => life.stop()));
      lives.clear();
      ordered = [];
    },
    reload,
    get: (id) => lives.get(id)?.trunk,
    list: () => ordered.map((life) => life.trunk),
    state: (id) => lives.get(id)?.state,
    match(flow, request) {
      const enabled = ordered.filter((life) => life.trunk.row.enabled).map((life) => life.trunk);
      const peers = enabled.filter((trunk) => trunk.isPeer(flow.remote));
      // The most exact match wins: account, then address and port, then address, then network.
      return (
        peers.find((trunk) => trunk.names(request)) ??
        peers.find((trunk) => trunk.port === flow.remote.port) ??
        peers[0] ??
        enabled.find((trunk) => trunk.accepts(flow.remote))
      );
    },
    outbound({ trunkId, channels }) {
      const able = ordered.filter(({ trunk }) => {
        if (!trunk.row.enabled || (trunkId !== undefined && trunk.id !== trunkId)) return false;
        if (rates.get(trunk.id)?.free(clock.now().getTime()) === false) return false;
        return trunk.row.maxChannels === null || channels(trunk.id) < trunk.row.maxChannels;
      });
      return [...able.filter((life) => life.state.up), ...able.filter((life) => !life.state.up)].map(
        (life) => life.trunk,
      );
    },
    begin: (trunkId) => rates.get(trunkId)?.begin(clock.now().getTime()) ?? true,
    witness: (trunkId, answered) => lives.get(trunkId)?.witness(answered),
  };
}

async function systemResolve(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.map((entry) => entry.address);
}
