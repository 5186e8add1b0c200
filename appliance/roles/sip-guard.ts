// The guard of the SIP ports, wired: whom it trusts, how full the house is, and the alarm of each ban.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Config } from '#appliance/platform/config/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { createAlarms } from '#appliance/realtime/index.ts';
import type { Calls } from '#appliance/telephony/calls/index.ts';
import { createBanStore, createGuard, type Guard } from '#appliance/telephony/guard/index.ts';
import type { Phones } from '#appliance/telephony/phones/index.ts';
import type { Registrar } from '#appliance/telephony/registrar/index.ts';
import { Networks, type Trunks } from '#appliance/telephony/trunks/index.ts';
import type { LoadGate } from './load.ts';

/** More than this at once are one alarm: a storm of forged senders must not bury the others. */
const ALARMS_FOR_BANS = 20;
const ALARM = 'sip.source-banned';

interface Deps {
  config: Pick<Config, 'rtpPorts'>;
  db: Database;
  bus: Bus;
  clock: Clock;
  log: Log;
  /** Whether there is time for one more call. */
  load: Pick<LoadGate, 'take'>;
  /** Asked for when they are there: the guard is made before them. */
  rooms(): {
    phones: Pick<Phones, 'book'>;
    registrar: Pick<Registrar, 'knowsAddress'>;
    trunks: Pick<Trunks, 'list'>;
    calls: Pick<Calls, 'legs'>;
  };
}

export function createSipGuard({ config, db, bus, clock, log, load, rooms }: Deps): Guard {
  const alarms = createAlarms({ db, bus, clock });
  const limit = legLimit(config);
  let allowed = new Networks([]);

  const guard = createGuard({
    store: createBanStore(db),
    clock,
    log,
    async reloadTrusted() {
      allowed = new Networks(await db('sip_allowed').pluck('network'));
    },
    trusted(address) {
      const { phones, registrar, trunks } = rooms();
      const remote = { address, port: 0 };
      return (
        registrar.knowsAddress(address) ||
        phones.book.hasAddress(address) ||
        allowed.has(address) ||
        trunks.list().some((trunk) => trunk.row.enabled && trunk.accepts(remote))
      );
    },
    full: () => !load.take(rooms().calls.legs.size < limit),
    banned({ id, source, reason, detail, until }) {
      bus.publish({ type: 'config.changed', entity: 'sip-ban', id });
      const { length } = guard.bans;
      const many = length > ALARMS_FOR_BANS;
      alarms
        .raise({
          kind: ALARM,
          subject: many ? 'many' : source,
          severity: 'warning',
          text: many
            ? `${length} sources of SIP are banned; the last one was ${source}`
            : `${source} was banned from SIP until ${until?.toISOString() ?? 'lifted'} (${reason}: ${detail})`,
          data: { source, reason, detail },
        })
        .catch((error) => log.warn({ err: error }, 'the alarm of a ban could not be raised'));
    },
    lifted(source) {
      Promise.all([alarms.clear(ALARM, source), guard.bans.length === 0 && alarms.clear(ALARM, 'many')]).catch(
        (error) => log.warn({ err: error }, 'the alarm of a ban could not be cleared'),
      );
    },
  });
  return guard;
}

/** As many legs as the switch has ports for (roles/media.ts), less what calls in progress may still need. */
function legLimit({ rtpPorts }: Pick<Config, 'rtpPorts'>): number {
  const pairs = Math.floor((rtpPorts.to - rtpPorts.from + 1) / 2);
  return Math.max(1, Math.floor(Math.min(1600, pairs * 0.9) * 0.95));
}
