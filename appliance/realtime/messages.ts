import type { BusEvent } from '#appliance/contract/bus.ts';
import type { DeskMessage } from '#appliance/contract/live.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';

export type Messages = ReturnType<typeof createMessages>;

interface Deps {
  db: Database;
  bus: { publish(event: BusEvent): void };
  clock: Clock;
}

const MOST_UNREAD = 50;
/** Nobody wants yesterday's note at the start of a shift. */
const KEPT_HOURS = 12;

/** Short notes between people at their desks; each stays on the screen of its reader until it is read. */
export function createMessages({ db, bus, clock }: Deps) {
  return {
    async send(fromId: string, toId: string, text: string): Promise<{ id: string }> {
      const to = await db('app_user').where({ id: toId, active: true }).first('id');
      if (!to) throw new AppError('not-found', 'user-unknown', 'There is nobody to send this to');
      const [unread] = await db('desk_message').where({ to_id: toId, read_at: null }).count({ count: '*' });
      if (Number(unread?.['count']) >= MOST_UNREAD)
        throw new AppError('conflict', 'messages-unread', 'Too many messages wait to be read there already');
      const id = uuidv7();
      await db('desk_message').insert({ id, from_id: fromId, to_id: toId, text, sent_at: clock.now() });
      bus.publish({ type: 'message.changed', userId: toId });
      return { id };
    },

    async unread(userId: string): Promise<DeskMessage[]> {
      const since = new Date(clock.now().getTime() - KEPT_HOURS * 3_600_000);
      const rows = await db('desk_message as m')
        .join('app_user as u', 'u.id', 'm.from_id')
        .where({ to_id: userId, read_at: null })
        .where('m.sent_at', '>=', since)
        .orderBy('m.sent_at')
        .select('m.id', 'm.text', 'm.from_id as fromId', 'u.display_name as fromName', 'm.sent_at as sentAt');
      return rows.map((row) => ({ ...row, sentAt: row.sentAt.toISOString() }));
    },

    async read(userId: string, id: string): Promise<void> {
      await db('desk_message').where({ id, to_id: userId, read_at: null }).update({ read_at: clock.now() });
      bus.publish({ type: 'message.changed', userId });
    },
  };
}
