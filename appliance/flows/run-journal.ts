import { messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { RunRow } from './flow-store.ts';

/**
 * Writes the latest position of each run without making the caller wait: while one write of a run is under way,
 * only the newest position is kept for the next.
 */
export function createRunJournal({ write, log }: { write: (row: RunRow) => Promise<void>; log: Log }) {
  const next = new Map<string, RunRow>();
  const busy = new Map<string, Promise<void>>();

  async function drain(id: string): Promise<void> {
    for (let row = next.get(id); row; row = next.get(id)) {
      next.delete(id);
      try {
        await write(row);
      } catch (error) {
        log.error(
          { error: messageOf(error), interactionId: row.interaction_id },
          'the position of a flow was not stored',
        );
      }
    }
    busy.delete(id);
  }

  return {
    save(row: RunRow): void {
      // The variables are the flow's own and go on changing.
      next.set(row.id, { ...row, variables: { ...row.variables } });
      if (!busy.has(row.id)) busy.set(row.id, drain(row.id));
    },
    async flushed(): Promise<void> {
      await Promise.all(busy.values());
    },
  };
}
