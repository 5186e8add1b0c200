import { uuidv7 } from '#appliance/kernel/ids.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';

/** What somebody noted at a moment of a recording. */
export interface RecordingNote {
  id: string;
  atS: number;
  text: string;
  byId: string | null;
  byName: string | null;
  madeAt: Date;
}

export type NoteStore = ReturnType<typeof noteStore>;

export function noteStore(db: Database) {
  const NOTE = `select n.id, n.at_s::float8 as "atS", n.text, n.by_id as "byId", u.display_name as "byName", n.made_at as "madeAt"
    from recording_note n left join app_user u on u.id = n.by_id`;

  return {
    async of(recordingId: string): Promise<RecordingNote[]> {
      return (await db.raw(`${NOTE} where n.recording_id = ? order by n.at_s, n.id`, [recordingId])).rows;
    },
    async get(recordingId: string, id: string): Promise<RecordingNote | undefined> {
      return (await db.raw(`${NOTE} where n.recording_id = ? and n.id = ?`, [recordingId, id])).rows[0];
    },
    async add(recordingId: string, note: { atS: number; text: string; byId: string; madeAt: Date }): Promise<string> {
      const id = uuidv7(note.madeAt.getTime());
      await db('recording_note').insert({
        ...{ id, recording_id: recordingId, at_s: note.atS, text: note.text, by_id: note.byId, made_at: note.madeAt },
      });
      return id;
    },
    async remove(recordingId: string, id: string): Promise<void> {
      await db('recording_note').where({ recording_id: recordingId, id }).delete();
    },
  };
}
