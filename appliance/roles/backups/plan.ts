// When a backup is due, when the last one is too old, which are thrown away. Pure.
import type { Watched } from '#appliance/realtime/index.ts';
import type { BackupPlan, BackupRun } from './store.ts';

/** A box that was off at the hour makes up for it this long. */
const MAKE_UP_MS = 12 * 3600_000;
const HOUR_MS = 3600_000;

/** The last moment at or before `now` at which the plan wanted a backup, in the zone of the box. */
export function lastSlot({ atTime }: Pick<BackupPlan, 'atTime'>, now: Date): Date {
  const [hours = 0, minutes = 0] = atTime.split(':').map(Number);
  const slot = new Date(now);
  slot.setHours(hours, minutes, 0, 0);
  if (slot > now) {
    slot.setDate(slot.getDate() - 1);
    slot.setHours(hours, minutes, 0, 0);
  }
  return slot;
}

export function nextSlot(plan: Pick<BackupPlan, 'atTime'>, now: Date): Date {
  const last = lastSlot(plan, now);
  const [hours = 0, minutes = 0] = plan.atTime.split(':').map(Number);
  const next = new Date(last);
  next.setDate(next.getDate() + 1);
  next.setHours(hours, minutes, 0, 0);
  return next;
}

/** A plan that was just made or a box that was just installed waits for its first hour. */
export function isDue(plan: BackupPlan, lastPlannedAt: Date | null, now: Date): boolean {
  if (!plan.enabled) return false;
  const slot = lastSlot(plan, now);
  if (slot < plan.createdAt || now.getTime() - slot.getTime() > MAKE_UP_MS) return false;
  return lastPlannedAt === null || lastPlannedAt < slot;
}

/** As provisioning/backup/record.ts notes it. */
const BY_HAND = 'strongroom backup';

/** Files beyond what is kept, oldest first; never the newest good one. What was made by hand is kept by hand. */
export function toRemove({ keep }: Pick<BackupPlan, 'keep'>, runs: readonly BackupRun[]): BackupRun[] {
  const kept = runs
    .filter(({ state, removedAt, askedBy }) => state === 'done' && removedAt === null && askedBy !== BY_HAND)
    .toSorted((a, b) => b.askedAt.getTime() - a.askedAt.getTime());
  const good = kept.find(({ verified }) => verified !== false);
  return kept
    .slice(keep)
    .filter((one) => one !== good)
    .reverse();
}

/** `backup.old`, `backup.failed`, `backup.broken`. */
export function backupsWatched(
  plan: BackupPlan,
  { lastGoodAt, latest }: { lastGoodAt: Date | null; latest: BackupRun | undefined },
  now: Date,
): Watched[] {
  const ageH = (now.getTime() - (lastGoodAt ?? plan.createdAt).getTime()) / HOUR_MS;
  const old = plan.maxAgeH !== null && ageH > plan.maxAgeH;
  return [
    {
      kind: 'backup.old',
      trouble: old
        ? {
            severity: 'warning',
            text: lastGoodAt
              ? `The last good backup is ${Math.floor(ageH)} hours old.`
              : 'There has never been a backup of this box.',
          }
        : undefined,
    },
    {
      kind: 'backup.failed',
      trouble:
        latest?.state === 'failed'
          ? { severity: 'warning', text: `The last backup failed: ${latest.said}` }
          : undefined,
    },
    {
      kind: 'backup.broken',
      trouble:
        latest?.verified === false
          ? { severity: 'critical', text: `The last backup cannot be relied on: ${latest.said}` }
          : undefined,
    },
  ];
}
