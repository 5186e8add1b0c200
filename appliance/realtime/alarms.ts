import type { BusEvent } from '#appliance/contract/bus.ts';
import type { Actor } from '#appliance/contract/identity.ts';
import type { Alarm } from '#appliance/contract/live.ts';
import { within } from '#appliance/kernel/async.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';

export interface AlarmInput {
  /** What kind of trouble: `recording.silent`, `trunk.down`. */
  kind: string;
  /** What it is about; one alarm is open per kind and subject. */
  subject?: string;
  severity: Alarm['severity'];
  /** A sentence for a person. */
  text: string;
  data?: Record<string, unknown>;
  /** When it began, when that was not just now. */
  since?: Date;
}

export type Alarms = ReturnType<typeof createAlarms>;

interface Deps {
  db: Database;
  bus: { publish(event: BusEvent): void };
  clock: Clock;
}

/** What waits for the database is told without it. */
const PATIENCE_MS = 1000;

interface Row {
  id: string;
  kind: string;
  severity: Alarm['severity'];
  text: string;
  data: { agentId?: string; interactionId?: string };
  raised_at: Date;
  acknowledged_by: string | null;
}

const MOST_OPEN = 500;

/** What a person should look at, from when it began until it is over. Any role may raise and clear. */
export function createAlarms({ db, bus, clock }: Deps) {
  /** What cannot be stored now, told by who keeps it meanwhile. */
  let standing: () => Alarm[] = () => [];

  /** Raising what is open already counts it and keeps its time and acknowledgement, unless it became worse. */
  async function raise({ kind, subject = '', severity, text, data = {}, since }: AlarmInput): Promise<{ id: string }> {
    const now = clock.now();
    const { rows } = await db.raw<{ rows: { id: string }[] }>(
      `insert into alarm as a (id, kind, subject, severity, text, data, raised_at, last_at)
       values (:id, :kind, :subject, :severity, :text, :data, :since, :now)
       on conflict (kind, subject) where cleared_at is null do update set
         severity = excluded.severity, text = excluded.text, data = excluded.data, last_at = excluded.last_at, count = a.count + 1,
         acknowledged_by = case when excluded.severity = 'critical' and a.severity <> 'critical' then null else a.acknowledged_by end,
         acknowledged_at = case when excluded.severity = 'critical' and a.severity <> 'critical' then null else a.acknowledged_at end
       returning id`,
      {
        id: uuidv7(),
        kind,
        subject,
        severity,
        text: text.slice(0, 1000),
        data: JSON.stringify(data),
        now,
        since: since ?? now,
      },
    );
    const { id } = rows[0]!;
    bus.publish({ type: 'alarm.changed', alarmId: id });
    return { id };
  }

  /** It is over. Nothing happens when it was not open. */
  async function clear(kind: string, subject = ''): Promise<boolean> {
    const rows = await db('alarm')
      .where({ kind, subject, cleared_at: null })
      .update({ cleared_at: clock.now() }, ['id']);
    for (const { id } of rows) bus.publish({ type: 'alarm.changed', alarmId: id });
    return rows.length > 0;
  }

  async function acknowledge(id: string, actor: Pick<Actor, 'username'>): Promise<void> {
    const changed = await db('alarm')
      .where({ id, cleared_at: null, acknowledged_at: null })
      .update({ acknowledged_by: actor.username, acknowledged_at: clock.now() });
    if (changed === 0 && !(await db('alarm').where({ id }).first('id')))
      throw new AppError('not-found', 'alarm-unknown', 'There is no such alarm');
    bus.publish({ type: 'alarm.changed', alarmId: id });
  }

  /** Puts away what a person has dealt with and what nobody clears: a silent recording stays silent. */
  async function dismiss(id: string): Promise<void> {
    const changed = await db('alarm').where({ id, cleared_at: null }).update({ cleared_at: clock.now() });
    if (changed === 0 && !(await db('alarm').where({ id }).first('id')))
      throw new AppError('not-found', 'alarm-unknown', 'There is no such alarm');
    bus.publish({ type: 'alarm.changed', alarmId: id });
  }

  /** Open ones, worst and newest first; while the database is away, those that this process knows of. */
  async function open(only: { kind?: string; subject?: string } = {}): Promise<Alarm[]> {
    const known = only.kind === undefined && only.subject === undefined ? standing() : [];
    if (known.length === 0) return stored(only);
    const rows = await within(PATIENCE_MS, stored(only), 'The database does not answer').catch(() => []);
    return [...known, ...rows];
  }

  async function stored(only: { kind?: string; subject?: string }): Promise<Alarm[]> {
    const rows = await db<Row>('alarm')
      .whereNull('cleared_at')
      .where(only)
      .orderByRaw(`array_position(array['critical', 'warning', 'info'], severity), raised_at desc`)
      .limit(MOST_OPEN);
    return rows.map((row) => ({
      id: row.id,
      kind: row.kind,
      severity: row.severity,
      text: row.text,
      since: row.raised_at.toISOString(),
      acknowledgedBy: row.acknowledged_by,
      ...aboutOf(row.data),
    }));
  }

  return {
    raise,
    clear,
    acknowledge,
    dismiss,
    open,
    /** Alarms that wait for the database; told with the open ones. */
    tellAlso(source: () => Alarm[]): void {
      standing = source;
    },
  };
}

function aboutOf({ agentId, interactionId }: Row['data']): Pick<Alarm, 'about'> {
  if (!agentId && !interactionId) return {};
  return { about: { ...(agentId && { agentId }), ...(interactionId && { interactionId }) } };
}
