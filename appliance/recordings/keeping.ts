import type { AuditInput } from '#appliance/contract/identity.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Files } from '#appliance/platform/files/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { keepingStore } from './keeping-store.ts';
import { FILE_CLASS, type InteractionEvents, type RecordingRow } from './types.ts';

export interface KeepingDeps {
  db: Database;
  clock: Clock;
  log: Log;
  bus: Pick<Bus, 'publish'>;
  files: Pick<Files, 'remove'>;
  event: InteractionEvents;
}

/** The chain's writer, inside the caller's transaction. */
export type AuditInTransaction = (
  entry: AuditInput,
  trx: Parameters<Parameters<Database['transaction']>[0]>[0],
) => Promise<void>;

export type Keeping = ReturnType<typeof createKeeping>;

const AT_ONCE = 200;

/**
 * How long recordings stay. The row of a deleted one stays and says who, when and why; its sound, its waveform and what was
 * noted about it are gone. What is held is deleted by nobody.
 */
export function createKeeping({ db, clock, log, bus, files, event }: KeepingDeps) {
  const store = keepingStore(db);

  function told({ id, interactionId }: Pick<RecordingRow, 'id' | 'interactionId'>, type: string, data: object): void {
    event(interactionId, type, { recordingId: id, ...data });
    bus.publish({ type: 'recording.changed', recordingId: id, interactionId });
  }

  /** The file goes after the row says so: after a crash in between the next round removes it. */
  async function removeFile(id: string): Promise<void> {
    const ref = await store.fileToRemove(id);
    if (!ref) return;
    if (!ref.shared) await files.remove({ fileClass: FILE_CLASS, hash: ref.hash, size: ref.size, keyId: ref.keyId });
    await store.fileRemoved(id);
  }

  function refused(row: { state: string; held: boolean } | undefined): AppError {
    if (!row) return new AppError('not-found', 'not-found', 'There is no such recording.');
    if (row.state === 'deleted') return new AppError('not-found', 'recording-deleted', 'This recording was deleted.');
    if (row.held)
      return new AppError('conflict', 'recording-held', 'This recording is under a legal hold and is not deleted.');
    return new AppError('conflict', 'recording-not-ready', 'This recording is not finished.', { state: row.state });
  }

  return {
    store,

    /** By a person, at once. */
    async remove(id: string, { by, reason }: { by: string; reason: string }): Promise<void> {
      const row = await store.remove(id, { at: clock.now(), by, reason });
      if (!row) throw refused(await store.stateOf(id));
      told(row, 'recording-deleted', { by });
      await removeFile(id);
    },

    async hold(id: string, { by, reason }: { by: string; reason: string }): Promise<void> {
      const row = await store.hold(id, { at: clock.now(), by, reason });
      if (!row) throw refused(await store.stateOf(id));
      told(row, 'recording-held', { by });
    },

    async release(id: string, { by }: { by: string }): Promise<void> {
      const row = await store.release(id);
      if (!row) throw new AppError('conflict', 'not-held', 'This recording is not held.');
      told(row, 'recording-released', { by });
    },

    /** What its rule lets go now; then files that an earlier round did not get to. */
    async sweep(audit: AuditInTransaction): Promise<{ deleted: number; files: number }> {
      let deleted = 0;
      for (;;) {
        const due = await store.due(clock.now(), AT_ONCE);
        for (const { id, ruleId, ruleName, retentionDays } of due) {
          const row = await db.transaction(async (trx) => {
            const gone = await keepingStore(trx).remove(id, { at: clock.now(), by: null, reason: null });
            if (!gone) return undefined; // held or deleted a moment ago
            const details = { why: 'retention', ruleId, ruleName, retentionDays, interactionId: gone.interactionId };
            await audit(
              { actor: null, address: null, action: 'recording.deleted', entity: 'recording', entityId: id, details },
              trx,
            );
            return gone;
          });
          if (!row) continue;
          deleted++;
          told(row, 'recording-deleted', { why: 'retention' });
        }
        if (due.length < AT_ONCE) break;
      }
      const leftovers = await store.leftovers();
      let removed = 0;
      for (const id of leftovers) {
        await removeFile(id).then(
          () => removed++,
          (error) =>
            log.error({ recordingId: id, error: messageOf(error) }, 'the file of a deleted recording is still there'),
        );
      }
      return { deleted, files: removed };
    },
  };
}
