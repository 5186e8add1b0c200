// The SIP side of a leg, in its three stages: INVITE that came, INVITE we sent, dialog.
import type { DialogFacts, InviteFacts } from '../sip/index.ts';
import type { EndCause } from './api.ts';

export interface Line {
  /** Ends it in whatever way its stage allows: final failure, CANCEL, BYE. */
  end(cause: EndCause): void;
  /** Whether the peer answers within its dialog; absent while there is none. */
  probe?(withinMs: number, end: boolean): Promise<boolean>;
  /** The caller has acknowledged our answer; absent where there is nothing to acknowledge. */
  readonly confirmed?: Promise<void>;
  /** Our tag, and those of the party: several when it forks. */
  readonly tags: { local: string; remote: readonly string[] };
  readonly dialogFacts: DialogFacts | null;
  readonly inviteFacts: InviteFacts | null;
}
