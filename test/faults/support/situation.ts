import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { delay } from '#appliance/kernel/async.ts';
import type { Api } from '#test/calls/support/api.ts';
import type { Instance } from '#test/support/instance.ts';
import type { Part, Processes } from './processes.ts';

export interface Health {
  status: 'ok' | 'degraded' | 'down';
  components: Record<Part, { status: 'ok' | 'degraded' | 'down'; detail: string }>;
}

/** How long a part stays away: a little longer than a sign of life lasts. `npm run faults` waits for a minute. */
export const AWAY_MS = Number(process.env.STRONGROOM_FAULTS_AWAY_S ?? 5.3) * 1000;

/** /health as anybody sees it; undefined while the web role does not answer. */
export function health(instance: Instance): Promise<Health | undefined> {
  return instance
    .anonymous()
    .bytes('/health')
    .then(
      ({ body }) => JSON.parse(body.toString()) as Health,
      () => undefined,
    );
}

/** Waits for /health to say so. */
export async function untilHealth(
  instance: Instance,
  test: (health: Health) => boolean,
  withinMs = 30_000,
): Promise<Health> {
  const end = Date.now() + withinMs;
  for (;;) {
    const now = await health(instance);
    if (now && test(now)) return now;
    if (Date.now() > end) throw new Error(`/health stays ${JSON.stringify(now)}\n${instance.logs()}`);
    await delay(100);
  }
}

export const well = (now: Health): boolean => now.status === 'ok';

/** kill -9, and back to a box that says it is well, with a new process of that part. */
export async function killAndReturn(instance: Instance, processes: Processes, part: Part): Promise<void> {
  const old = processes.kill(part);
  for (let waited = 0; !processes.isNew(part, old); waited += 50) {
    if (waited > 30_000) throw new Error(`${part} does not come back\n${instance.logs()}`);
    await delay(50);
  }
  await untilReady(instance, processes, part);
  await untilHealth(instance, well);
}

/** The present process of a role has said that it is ready; a service is when the supervisor knows it. */
export async function untilReady(instance: Instance, processes: Processes, part: Part): Promise<void> {
  if (part === 'postgres' || part === 'redis' || part === 'rtpengine') return;
  const log = join(instance.config.paths.log, `${part}.log`);
  const ready = `"pid":${processes.pidOf(part)},`;
  for (let waited = 0; ; waited += 50) {
    const lines = readFileSync(log, 'utf8').split('\n');
    if (lines.some((line) => line.includes(ready) && line.includes('"msg":"ready"'))) return;
    if (waited > 30_000) throw new Error(`${part} is not ready\n${instance.logs()}`);
    await delay(50);
  }
}

interface Place {
  interactionId: string;
  entryId: string;
  enqueuedAt: string;
  enteredAt: string;
}

/** Who waits, in which order, since when: to be the same after a fault. */
export async function places(instance: Instance): Promise<Place[]> {
  const { rows } = await instance.db.raw<{ rows: Place[] }>(
    `select interaction_id as "interactionId", id as "entryId", enqueued_at as "enqueuedAt", entered_at as "enteredAt"
     from queue_entry where state = 'waiting' order by enqueued_at, id`,
  );
  return rows;
}

export interface Conversation {
  interaction_id: string;
  id: string;
  agent_id: string;
  started_at: Date;
}

/** Conversations and since when: a fault must not end or split one. */
export async function conversations(instance: Instance): Promise<Conversation[]> {
  const { rows } = await instance.db.raw<{ rows: Conversation[] }>(
    `select interaction_id, id, agent_id, started_at from segment where kind = 'agent' and ended_at is null order by id`,
  );
  return rows;
}

/** Who was served, in the order in which they were. */
export async function served(instance: Instance, of: Place[]): Promise<string[]> {
  const { rows } = await instance.db.raw<{ rows: { interactionId: string }[] }>(
    `select interaction_id as "interactionId" from segment where kind = 'queue' and end_reason = 'answered' and interaction_id = any(?)
     order by ended_at`,
    [of.map(({ interactionId }) => interactionId)],
  );
  return rows.map(({ interactionId }) => interactionId);
}

/** Alarms that are open now. */
export async function alarms(api: Api): Promise<string[]> {
  const { items } = await api.get<{ items: { kind: string }[] }>('/alarms');
  return items.map(({ kind }) => kind).sort();
}

/** What a role wrote that should never be there. */
export function fatal(instance: Instance): string {
  return instance
    .logs(100_000)
    .split('\n')
    .filter((line) => /unhandledRejection|uncaughtException/.test(line))
    .slice(0, 3)
    .join('\n');
}
