import type { BusEvent } from '#appliance/contract/bus.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { type Audit, createAudit } from './audit.ts';
import type { HeadKeeper } from './audit-head.ts';
import { allows } from './permissions.ts';
import { createSecondFactor, type Sealer, type SecondFactor } from './second-factor.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { createUserStore } from './user-store.ts';
import { createUsers, type Users } from './users.ts';

export interface Security {
  audit: Audit;
  users: Users;
  sessions: Sessions;
  secondFactor: SecondFactor;
  /** Hand this to http/createServer. */
  gatekeeper: { identify: Sessions['identify']; allows: typeof allows };
  close(): Promise<void>;
}

interface Deps {
  db: Database;
  bus: { publish(event: BusEvent): void };
  secrets: Sealer;
  clock: Clock;
  log: Log;
  head?: HeadKeeper;
}

/** Sign-in, people's accounts and the audit chain, wired. */
export function createSecurity({ db, bus, secrets, clock, log, head }: Deps): Security {
  const audit = createAudit({ db, clock, log, ...(head && { head }) });
  const store = createUserStore(db);
  const secondFactor = createSecondFactor({ users: store, secrets, clock });
  const sessions = createSessions({ db, users: store, secondFactor, audit, bus, clock });
  const users = createUsers({ store, sessions, audit, bus, clock });
  return {
    audit,
    users,
    sessions,
    secondFactor,
    gatekeeper: { identify: sessions.identify, allows },
    close: audit.close,
  };
}
