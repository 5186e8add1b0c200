export interface RecordingNote {
  id: string;
  atS: number;
  text: string;
  byId: string | null;
  byName: string | null;
}

/** How long a recording stays, as the box says it. */
export interface Kept {
  keptUntil: string | null;
  hold: { at: string; reason: string; by: string | null } | null;
  deleted: { at: string; reason: string | null; by: string | null } | null;
}
