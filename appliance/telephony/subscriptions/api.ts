// What the notifier needs of the rooms above; roles/ wires it. No word of agents or voicemail here, only of extensions.

/** Waiting messages of an extension. */
export interface MessageCounts {
  of(extension: string): Promise<{ fresh: number; heard: number }>;
  /** Told after commit, whenever the counts of `extension` may have changed. Returns what takes the listener off. */
  onChange(listener: (extension: string) => void): () => void;
}

/** One call of an extension, as its colleagues see it: that there is one, not with whom. */
export interface LineCall {
  id: string;
  /** Its dialog as the phone of the extension has it: what a colleague's phone names to pick it up (RFC 3891). */
  dialog: { callId: string; localTag: string | undefined; remoteTag: string | undefined } | undefined;
  /** `initiator`: the extension calls; `recipient`: it is called (RFC 4235 §4.1.1). */
  direction: 'initiator' | 'recipient';
  state: 'trying' | 'early' | 'confirmed';
}

/** Who is busy. */
export interface Lines {
  /** There is such an extension. */
  exists(extension: string): boolean;
  of(extension: string): LineCall[];
  onChange(listener: (extension: string) => void): () => void;
}

export type EventPackage = 'message-summary' | 'dialog';
