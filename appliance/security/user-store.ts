import type { Role } from '#appliance/contract/identity.ts';
import {
  type CrudRow,
  type CrudStore,
  type Database,
  rowFromColumns,
  tableStore,
} from '#appliance/platform/postgres/index.ts';

export interface UserRow extends CrudRow {
  username: string;
  displayName: string;
  role: Role;
  active: boolean;
  language: string;
  timeZone: string;
  passwordHash: string | null;
  passwordChangedAt: Date | null;
  mustChangePassword: boolean;
  totpSecret: string | null;
  totpConfirmedAt: Date | null;
  totpLastStep: string;
  lastSignInAt: Date | null;
}

export interface SessionRow {
  id: string;
  userId: string;
  address: string;
  userAgent: string | null;
  createdAt: Date;
  seenAt: Date;
  idleUntil: Date;
  endsAt: Date;
  revokedAt: Date | null;
}

export type UserStore = ReturnType<typeof createUserStore>;

export function createUserStore(db: Database) {
  return {
    crud: tableStore<UserRow>(db, {
      table: 'app_user',
      columns: [
        'username',
        'display_name',
        'role',
        'active',
        'language',
        'time_zone',
        'password_hash',
        'password_changed_at',
        'must_change_password',
      ],
      readOnly: ['last_sign_in_at', 'totp_confirmed_at'],
      search: ['username', 'display_name'],
      order: 'username',
    }) satisfies CrudStore<UserRow>,

    async byName(username: string): Promise<UserRow | undefined> {
      const row = await db('app_user').where({ username }).first();
      return row && rowFromColumns<UserRow>(row);
    },

    async byId(id: string): Promise<UserRow | undefined> {
      const row = await db('app_user').where({ id }).first();
      return row && rowFromColumns<UserRow>(row);
    },

    /** Changes that are no configuration: they leave the version alone. */
    async touch(id: string, columns: Record<string, unknown>): Promise<void> {
      await db('app_user').where({ id }).update(columns);
    },

    /** Takes a time step once, also when two requests bring the same code at the same moment. */
    async takeTotpStep(id: string, step: number): Promise<boolean> {
      return (
        (await db('app_user').where({ id }).where('totp_last_step', '<', step).update({ totp_last_step: step })) === 1
      );
    },

    async otherActiveAdmins(than: string): Promise<number> {
      const [row] = await db('app_user')
        .where({ role: 'admin', active: true })
        .whereNot({ id: than })
        .count<{ count: string }[]>();
      return Number(row?.count ?? 0);
    },

    async replaceRecoveryCodes(userId: string, hashes: readonly Buffer[]): Promise<void> {
      await db.transaction(async (trx) => {
        await trx('app_recovery_code').where({ user_id: userId }).delete();
        if (hashes.length > 0)
          await trx('app_recovery_code').insert(hashes.map((code_hash) => ({ user_id: userId, code_hash })));
      });
    },

    async takeRecoveryCode(userId: string, hash: Buffer, at: Date): Promise<boolean> {
      return (
        (await db('app_recovery_code')
          .where({ user_id: userId, code_hash: hash, used_at: null })
          .update({ used_at: at })) === 1
      );
    },
  };
}

export type SessionStore = ReturnType<typeof createSessionStore>;

export function createSessionStore(db: Database) {
  const VISIBLE = [
    'id',
    'user_id',
    'address',
    'user_agent',
    'created_at',
    'seen_at',
    'idle_until',
    'ends_at',
    'revoked_at',
  ];
  return {
    async insert(row: {
      id: string;
      userId: string;
      tokenHash: Buffer;
      address: string;
      userAgent: string | null;
      at: Date;
      idleUntil: Date;
      endsAt: Date;
    }): Promise<void> {
      await db('app_session').insert({
        id: row.id,
        user_id: row.userId,
        token_hash: row.tokenHash,
        address: row.address,
        user_agent: row.userAgent,
        created_at: row.at,
        seen_at: row.at,
        idle_until: row.idleUntil,
        ends_at: row.endsAt,
      });
    },

    async alive(
      tokenHash: Buffer,
      at: Date,
    ): Promise<
      | {
          sessionId: string;
          seenAt: Date;
          endsAt: Date;
          userId: string;
          username: string;
          role: Role;
          mustChangePassword: boolean;
        }
      | undefined
    > {
      const row = await db('app_session as s')
        .join('app_user as u', 'u.id', 's.user_id')
        .where('s.token_hash', tokenHash)
        .whereNull('s.revoked_at')
        .where('s.idle_until', '>', at)
        .where('s.ends_at', '>', at)
        .where('u.active', true)
        .first(
          's.id as session_id',
          's.seen_at',
          's.ends_at',
          'u.id as user_id',
          'u.username',
          'u.role',
          'u.must_change_password',
        );
      return row && rowFromColumns(row);
    },

    async seen(id: string, at: Date, idleUntil: Date): Promise<void> {
      await db('app_session').where({ id }).whereNull('revoked_at').update({ seen_at: at, idle_until: idleUntil });
    },

    async isAlive(id: string, at: Date): Promise<boolean> {
      const row = await db('app_session as s')
        .join('app_user as u', 'u.id', 's.user_id')
        .where('s.id', id)
        .whereNull('s.revoked_at')
        .where('s.idle_until', '>', at)
        .where('s.ends_at', '>', at)
        .where('u.active', true)
        .first('s.id');
      return row !== undefined;
    },

    async listOpen(userId: string, at: Date): Promise<SessionRow[]> {
      const rows = await db('app_session')
        .where({ user_id: userId, revoked_at: null })
        .where('idle_until', '>', at)
        .where('ends_at', '>', at)
        .orderBy('seen_at', 'desc')
        .limit(200)
        .select(VISIBLE);
      return rows.map((row) => rowFromColumns<SessionRow>(row));
    },

    /** Returns how many were open. */
    async revoke(filter: { userId: string; id?: string; except?: string }, why: string, at: Date): Promise<number> {
      const query = db('app_session').where({ user_id: filter.userId, revoked_at: null });
      if (filter.id) query.where({ id: filter.id });
      if (filter.except) query.whereNot({ id: filter.except });
      return query.update({ revoked_at: at, revoked_why: why });
    },

    async forget(before: Date): Promise<void> {
      await db('app_session').where('ends_at', '<', before).delete();
    },
  };
}
