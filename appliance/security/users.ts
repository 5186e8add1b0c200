import type { BusEvent } from '#appliance/contract/bus.ts';
import type { Actor, Role } from '#appliance/contract/identity.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import type { Audit } from './audit.ts';
import { checkStrength, hashPassword, verifyPassword } from './password.ts';
import type { Sessions } from './sessions.ts';
import type { UserRow, UserStore } from './user-store.ts';

interface Deps {
  store: UserStore;
  sessions: Pick<Sessions, 'revoke'>;
  audit: Pick<Audit, 'record'>;
  bus: { publish(event: BusEvent): void };
  clock: Clock;
}

export interface NewUser {
  id?: string;
  username: string;
  displayName: string;
  role: Role;
  password?: string | undefined;
  language?: string;
  timeZone?: string;
}

/** What a client may write about a user; the password goes in and never comes out. */
export type UserFields = Partial<Omit<NewUser, 'id'>> & { active?: boolean; mustChangePassword?: boolean };

export type Users = ReturnType<typeof createUsers>;

export function createUsers({ store, sessions, audit, bus, clock }: Deps) {
  /** For seeds and the command line; over HTTP it is `POST /users`. */
  async function create(user: NewUser, actor: Actor | null = null): Promise<UserRow> {
    const fields = await prepare(user, undefined);
    const row = await store.crud.transaction(async (trx) => {
      const created = await store.crud.within(trx).create({ ...fields, ...(user.id && { id: user.id }) });
      await audit.record(
        {
          actor,
          address: actor?.address ?? null,
          action: 'user.created',
          entity: 'user',
          entityId: created.id,
          details: { username: created.username, role: created.role },
        },
        trx,
      );
      return created;
    });
    bus.publish({ type: 'config.changed', entity: 'user', id: row.id });
    return row;
  }

  /** Checks what a schema cannot, and turns a password into its hash. */
  async function prepare(fields: UserFields, current: UserRow | undefined, actor?: Actor): Promise<Partial<UserRow>> {
    const { password, ...rest } = fields;
    if (current)
      await refuseLockOut(
        current,
        { role: fields.role ?? current.role, active: fields.active ?? current.active },
        actor,
      );
    if (rest.timeZone !== undefined) checkTimeZone(rest.timeZone);
    if (password === undefined) return rest;
    checkStrength(password, rest.username ?? current?.username ?? '');
    return { ...rest, passwordHash: await hashPassword(password), passwordChangedAt: clock.now() };
  }

  /** Somebody must always be able to get in and put things right. */
  async function refuseLockOut(current: UserRow, next: { role: Role; active: boolean }, actor?: Actor): Promise<void> {
    if (current.role !== 'admin' || !current.active || (next.role === 'admin' && next.active)) return;
    if (actor?.userId === current.id)
      throw new AppError('conflict', 'own-account', 'You cannot take the admin role or the account away from yourself');
    if ((await store.otherActiveAdmins(current.id)) === 0)
      throw new AppError('conflict', 'last-admin', 'This is the last active admin');
  }

  async function refuseRemoval(row: UserRow, actor: Actor): Promise<void> {
    if (row.id === actor.userId) throw new AppError('conflict', 'own-account', 'You cannot remove your own account');
    await refuseLockOut(row, { role: row.role, active: false }, actor);
  }

  /** A change of role, password or state ends what was opened under the old one. */
  async function afterChange(
    before: Pick<UserRow, 'role' | 'active' | 'passwordHash'>,
    after: UserRow,
    actor: Actor,
  ): Promise<void> {
    const why = !after.active
      ? 'deactivated'
      : before.role !== after.role
        ? 'role changed'
        : before.passwordHash !== after.passwordHash
          ? 'password changed'
          : undefined;
    if (why)
      await sessions.revoke(
        { userId: after.id, ...(after.id === actor.userId && { except: actor.sessionId }) },
        why,
        actor,
      );
  }

  async function changeOwnPassword(actor: Actor, current: string, next: string): Promise<void> {
    const user = await checkPassword(actor, current);
    if (current === next) throw new AppError('invalid', 'password-same', 'The new password is the old one');
    await setPassword(user, next, actor, actor.sessionId);
  }

  async function checkPassword(actor: Actor, password: string): Promise<UserRow> {
    const user = await existing(actor.userId);
    if (await verifyPassword(password, user.passwordHash)) return user;
    throw new AppError('invalid', 'password-wrong', 'The current password is not right');
  }

  /** For the command line: the way back in when nobody knows the password. */
  async function resetPassword(username: string, next: string): Promise<void> {
    const user = await store.byName(username.toLowerCase());
    if (!user) throw new AppError('not-found', 'user-unknown', `There is no user ${username}`);
    await setPassword(user, next, null);
  }

  async function setPassword(user: UserRow, next: string, actor: Actor | null, keepSession?: string): Promise<void> {
    checkStrength(next, user.username);
    await store.touch(user.id, {
      password_hash: await hashPassword(next),
      password_changed_at: clock.now(),
      must_change_password: false,
    });
    await audit.record({
      actor,
      address: actor?.address ?? null,
      action: 'user.password-changed',
      entity: 'user',
      entityId: user.id,
    });
    await sessions.revoke({ userId: user.id, ...(keepSession && { except: keepSession }) }, 'password changed', actor);
  }

  async function existing(id: string): Promise<UserRow> {
    const user = await store.byId(id);
    if (!user) throw new AppError('not-found', 'user-unknown', `There is no user ${id}`);
    return user;
  }

  return {
    store,
    create,
    prepare,
    refuseRemoval,
    afterChange,
    changeOwnPassword,
    checkPassword,
    resetPassword,
    get: existing,
    byName: store.byName,
  };
}

function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw new AppError('invalid', 'time-zone-unknown', `There is no time zone ${timeZone}`);
  }
}
