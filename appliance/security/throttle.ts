import { isIPv6 } from 'node:net';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';

/** Tries that are free; afterwards each failure blocks for longer. */
export const LIMITS = {
  /** One person from one place. */
  pair: 5,
  /** One person from anywhere: high, so that a stranger cannot easily lock somebody out. */
  user: 50,
  /** One place, whoever is tried: a whole site may sit behind one address. */
  source: 100,
} as const;
type Kind = keyof typeof LIMITS;

const FIRST_BLOCK_S = 15;
const LONGEST_BLOCK_S = 900;
const FORGET_AFTER_S = 3600;

export type Throttle = ReturnType<typeof createThrottle>;

/** Counts failed sign-ins in the database, so that every web process knows. */
export function createThrottle({ db, clock }: { db: Database; clock: Clock }) {
  /**
   * Counts the try before the password is looked at, so that a hundred tries at once are a hundred tries.
   *
   * @throws {AppError} too-many while blocked.
   */
  async function begin(username: string, address: string): Promise<void> {
    const now = clock.now();
    const { pair, user, source } = keys(username, address);
    const blocked = await db('sign_in_throttle')
      .where({ key: source })
      .where('blocked_until', '>', now)
      .first('blocked_until');
    if (blocked) refuse(blocked.blocked_until, now);
    await count('pair', pair, now);
    await count('user', user, now);
  }

  async function failed(username: string, address: string): Promise<void> {
    await count('source', keys(username, address).source, clock.now()).catch((error) => {
      if (!(error instanceof AppError)) throw error; // blocked meanwhile: counted enough
    });
  }

  /** The right password clears the pair, and takes back its own count of the person. */
  async function succeeded(username: string, address: string): Promise<void> {
    const { pair, user } = keys(username, address);
    await db('sign_in_throttle').where({ key: pair }).delete();
    await db('sign_in_throttle')
      .where({ key: user })
      .where('failures', '>', 0)
      .update({ failures: db.raw('failures - 1') });
  }

  /** One statement: of two tries at the same moment, the second already meets the block that the first one set. */
  async function count(kind: Kind, key: string, now: Date): Promise<void> {
    const { rows } = await db.raw<{ rows: { failures: number }[] }>(
      `insert into sign_in_throttle as t (key, failures, expires_at) values (:key, 1, :expires)
       on conflict (key) do update set
         failures = case when t.expires_at <= :now then 1 else t.failures + 1 end,
         blocked_until = case when t.expires_at > :now and t.failures + 1 >= :limit
           then :now::timestamptz + make_interval(secs => least(:longest, :first * power(2, least(10, t.failures + 1 - :limit)))) end,
         expires_at = :expires
         where t.blocked_until is null or t.blocked_until <= :now
       returning failures`,
      {
        key,
        now,
        expires: new Date(now.getTime() + FORGET_AFTER_S * 1000),
        limit: LIMITS[kind],
        first: FIRST_BLOCK_S,
        longest: LONGEST_BLOCK_S,
      },
    );
    if (rows.length > 0) return;
    const held = await db('sign_in_throttle').where({ key }).first('blocked_until');
    refuse(held?.blocked_until ?? now, now);
  }

  async function sweep(): Promise<void> {
    await db('sign_in_throttle').where('expires_at', '<', clock.now()).delete();
  }

  return { begin, failed, succeeded, sweep };
}

function refuse(until: Date, now: Date): never {
  const retryAfterS = Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1000));
  throw new AppError('too-many', 'sign-in-blocked', `Too many failed sign-ins. Try again in ${retryAfterS} seconds.`, {
    retryAfterS,
  });
}

function keys(username: string, address: string): Record<Kind, string> {
  const place = placeOf(address);
  return { pair: `pair ${username} ${place}`, user: `user ${username}`, source: `source ${place}` };
}

/** A household or an office has a /64 of IPv6 and as many addresses as it likes. */
export function placeOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head, tail] = address.split('::') as [string, string | undefined];
  const left = head ? head.split(':') : [];
  const right = tail ? tail.split(':') : [];
  const all =
    tail === undefined ? left : [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return `${all
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}
