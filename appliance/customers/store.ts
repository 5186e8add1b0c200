import { AppError } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { asAppError, type Database } from '#appliance/platform/postgres/index.ts';
import type { IdentityKind } from './identity.ts';

export interface CustomerRow {
  id: string;
  name: string | null;
  company: string | null;
  language: string | null;
  notes: string;
  attributes: Record<string, unknown>;
}

export interface IdentityRow {
  id: string;
  kind: IdentityKind;
  value: string;
  label: string | null;
}

export interface ConsentRow {
  id: string;
  kind: string;
  granted: boolean;
  source: string;
  interactionId: string | null;
  at: Date;
}

const CUSTOMER = 'c.id, c.name, c.company, c.language, c.notes, c.attributes';
const CONSENT = 'id, kind, granted, source, interaction_id as "interactionId", at';

/** All SQL of the customer file. */
export function createStore(db: Database) {
  async function findByIdentity(kind: IdentityKind, value: string): Promise<CustomerRow | undefined> {
    const { rows } = await db.raw(
      `select ${CUSTOMER} from identity i join customer c on c.id = i.customer_id where i.kind = ? and i.value = ?`,
      [kind, value],
    );
    return rows[0];
  }

  return {
    findByIdentity,

    async findOrCreate(kind: IdentityKind, value: string): Promise<CustomerRow> {
      for (;;) {
        const found = await findByIdentity(kind, value);
        if (found) return found;
        const id = uuidv7();
        // The unique identity decides a race: who loses takes his customer back and reads the winner's.
        const { rows } = await db.raw(
          `with c as (insert into customer (id) values (?) returning id, name, company, language, notes, attributes),
             i as (insert into identity (id, customer_id, kind, value) select ?, c.id, ?, ? from c
               on conflict (kind, value) do nothing returning customer_id)
           select c.* from c join i on i.customer_id = c.id`,
          [id, uuidv7(), kind, value],
        );
        if (rows[0]) return rows[0];
        await db.raw('delete from customer where id = ?', [id]);
      }
    },

    async get(id: string): Promise<CustomerRow | undefined> {
      const { rows } = await db.raw(`select ${CUSTOMER} from customer c where c.id = ?`, [id]);
      return rows[0];
    },

    /** By name or by the beginning of an identity. */
    async search(q: string, limit = 20): Promise<CustomerRow[]> {
      const text = q.replace(/[\\%_]/g, '\\$&');
      const { rows } = await db.raw(
        `select ${CUSTOMER} from customer c where c.name ilike ? or exists
           (select 1 from identity i where i.customer_id = c.id and i.value ilike ?) order by c.name, c.id limit ?`,
        [`%${text}%`, `${text}%`, Math.min(limit, 200)],
      );
      return rows;
    },

    async identities(customerId: string): Promise<IdentityRow[]> {
      const { rows } = await db.raw(
        'select id, kind, value, label from identity where customer_id = ? order by kind, value',
        [customerId],
      );
      return rows;
    },

    async addIdentity(
      customerId: string,
      kind: IdentityKind,
      value: string,
      label: string | null,
    ): Promise<IdentityRow> {
      try {
        const { rows } = await db.raw(
          'insert into identity (id, customer_id, kind, value, label) values (?, ?, ?, ?, ?) returning id, kind, value, label',
          [uuidv7(), customerId, kind, value, label],
        );
        return rows[0];
      } catch (error) {
        throw asAppError(error);
      }
    },

    async removeIdentity(customerId: string, id: string): Promise<void> {
      const { rowCount } = await db.raw('delete from identity where id = ? and customer_id = ?', [id, customerId]);
      if (rowCount === 0) throw new AppError('not-found', 'identity-unknown', 'This customer has no such identity.');
    },

    /** The history, newest first. */
    async consents(customerId: string): Promise<ConsentRow[]> {
      const { rows } = await db.raw(`select ${CONSENT} from consent where customer_id = ? order by at desc, id desc`, [
        customerId,
      ]);
      return rows;
    },

    /** The newest word on one kind; undefined when nobody asked. */
    async consent(customerId: string, kind: string): Promise<boolean | undefined> {
      const { rows } = await db.raw(
        'select granted from consent where customer_id = ? and kind = ? order by at desc, id desc limit 1',
        [customerId, kind],
      );
      return rows[0]?.granted;
    },

    async recordConsent(
      customerId: string,
      input: { kind: string; granted: boolean; source: string; interactionId?: string | null; at?: Date },
    ): Promise<ConsentRow> {
      try {
        const { rows } = await db.raw(
          `insert into consent (id, customer_id, kind, granted, source, interaction_id, at) values (?, ?, ?, ?, ?, ?, ?) returning ${CONSENT}`,
          [
            uuidv7(),
            customerId,
            input.kind,
            input.granted,
            input.source,
            input.interactionId ?? null,
            input.at ?? new Date(),
          ],
        );
        return rows[0];
      } catch (error) {
        throw asAppError(error);
      }
    },
  };
}
