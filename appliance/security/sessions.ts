import { createHash, randomBytes } from 'node:crypto';
import type { BusEvent } from '#appliance/contract/bus.ts';
import type { Actor } from '#appliance/contract/identity.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import type { Audit } from './audit.ts';
import { storableText } from './canonical-json.ts';
import { hashPassword, isOutdated, MAX_PASSWORD_LENGTH, verifyPassword } from './password.ts';
import type { SecondFactor } from './second-factor.ts';
import { createThrottle } from './throttle.ts';
import { createSessionStore, type SessionRow, type UserRow, type UserStore } from './user-store.ts';

const MINUTE_MS = 60_000;
/** Without a request or an open live feed. */
export const IDLE_MS = 2 * 60 * MINUTE_MS;
/** A long shift, and then a password again. */
export const ABSOLUTE_MS = 16 * 60 * MINUTE_MS;
const TOUCH_EVERY_MS = MINUTE_MS;
const KEEP_ENDED_MS = 30 * 24 * 60 * MINUTE_MS;

interface Deps {
  db: Database;
  users: UserStore;
  secondFactor: SecondFactor;
  audit: Pick<Audit, 'record'>;
  bus: { publish(event: BusEvent): void };
  clock: Clock;
}

export interface Credentials {
  username: string;
  password: string;
  otp?: string | undefined;
}

export type Sessions = ReturnType<typeof createSessions>;

export function createSessions({ db, users, secondFactor, audit, bus, clock }: Deps) {
  const store = createSessionStore(db);
  const throttle = createThrottle({ db, clock });

  /**
   * @throws {AppError} unauthenticated: `sign-in-failed`, whatever was wrong, or `otp-required` when only the second
   *   factor is missing; too-many while blocked.
   */
  async function signIn(
    credentials: Credentials,
    from: { address: string; userAgent: string | null },
  ): Promise<{ token: string; endsAt: Date; user: UserRow }> {
    const username = credentials.username.trim().toLowerCase();
    await throttle.begin(username, from.address);
    const user = await users.byName(username);
    const right = await verifyPassword(credentials.password.slice(0, MAX_PASSWORD_LENGTH + 1), user?.passwordHash);
    if (!user || !right || !user.active)
      return refuse(username, from.address, !user ? 'unknown user' : !right ? 'wrong password' : 'inactive');
    if (user.totpConfirmedAt) {
      if (!credentials.otp) {
        await throttle.succeeded(username, from.address);
        throw new AppError('unauthenticated', 'otp-required', 'Enter the code of your authenticator app');
      }
      if (!(await secondFactor.verify(user, credentials.otp))) return refuse(username, from.address, 'wrong code');
    }
    await throttle.succeeded(username, from.address);
    const session = await open(user, from);
    if (isOutdated(user.passwordHash ?? ''))
      await users.touch(user.id, { password_hash: await hashPassword(credentials.password) });
    return { ...session, user };
  }

  async function refuse(username: string, address: string, why: string): Promise<never> {
    await throttle.failed(username, address);
    await audit.record({
      actor: null,
      address,
      action: 'sign-in.failed',
      entity: 'user',
      entityId: storableText(username, 64),
      details: { why },
    });
    throw new AppError('unauthenticated', 'sign-in-failed', 'User name, password or code is wrong');
  }

  async function open(user: UserRow, { address, userAgent }: { address: string; userAgent: string | null }) {
    const at = clock.now();
    const token = randomBytes(32).toString('base64url');
    const id = uuidv7();
    const endsAt = new Date(at.getTime() + ABSOLUTE_MS);
    await store.insert({
      id,
      userId: user.id,
      tokenHash: hashOfToken(token),
      address,
      userAgent: userAgent === null ? null : storableText(userAgent, 300),
      at,
      idleUntil: new Date(at.getTime() + IDLE_MS),
      endsAt,
    });
    await users.touch(user.id, { last_sign_in_at: at });
    await audit.record({
      actor: { userId: user.id, username: user.username },
      address,
      action: 'session.opened',
      entity: 'session',
      entityId: id,
    });
    return { token, endsAt };
  }

  /** Who holds the token; undefined when it is unknown, over or revoked. Using a session keeps it alive. */
  async function identify(token: string, address: string): Promise<Actor | undefined> {
    const at = clock.now();
    const session = await store.alive(hashOfToken(token), at);
    if (!session) return undefined;
    if (at.getTime() - session.seenAt.getTime() > TOUCH_EVERY_MS) await touch(session.sessionId);
    return {
      userId: session.userId,
      username: session.username,
      role: session.role,
      sessionId: session.sessionId,
      address,
      ...(session.mustChangePassword && { mustChangePassword: true }),
    };
  }

  async function touch(sessionId: string): Promise<void> {
    const at = clock.now();
    await store.seen(sessionId, at, new Date(at.getTime() + IDLE_MS));
  }

  /** Ends sessions of one person and closes their live feeds; returns how many there were. */
  async function revoke(
    filter: { userId: string; id?: string; except?: string },
    why: string,
    by: Actor | null,
  ): Promise<number> {
    const count = await store.revoke(filter, why, clock.now());
    if (count > 0) {
      bus.publish({ type: 'session.revoked', userId: filter.userId });
      await audit.record({
        actor: by,
        address: by?.address ?? null,
        action: 'session.revoked',
        entity: 'user',
        entityId: filter.userId,
        details: { why, count },
      });
    }
    return count;
  }

  /** A stolen session must not be the place to guess the password: tries there count like tries to sign in. */
  async function guarded<T>(username: string, address: string, check: () => Promise<T>): Promise<T> {
    await throttle.begin(username, address);
    const result = await check();
    await throttle.succeeded(username, address);
    return result;
  }

  async function sweep(): Promise<void> {
    await throttle.sweep();
    await store.forget(new Date(clock.now().getTime() - KEEP_ENDED_MS));
  }

  return {
    signIn,
    guarded,
    identify,
    touch,
    revoke,
    sweep,
    isAlive: (sessionId: string) => store.isAlive(sessionId, clock.now()),
    list: (userId: string): Promise<SessionRow[]> => store.listOpen(userId, clock.now()),
  };
}

/** The token itself has 256 bits: no salt and no slow hash is needed to keep it safe in a stolen database. */
function hashOfToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
