// What every part of the calls room works with. Wired in calls.ts.
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Edge, Media } from '../media/index.ts';
import type { Phones } from '../phones/index.ts';
import type { Authenticator, Registrar } from '../registrar/index.ts';
import type { SipStack } from '../sip/index.ts';
import type { Trunks } from '../trunks/index.ts';
import type { CallLeg } from './leg.ts';
import type { Soon } from './record.ts';
import type { Routes } from './routes.ts';
import type { LegStore } from './store.ts';

export interface CallsContext {
  sip: SipStack;
  media: Media;
  edge: Edge | undefined;
  trunks: Trunks;
  phones: Phones;
  registrar: Registrar;
  authenticator: Authenticator;
  store: LegStore;
  clock: Clock;
  log: Log;
  instance: string;
  routes: Routes;
  soon: Soon;
  legs: Map<string, CallLeg>;
  maxCallMs: number;
  /** A leg has ended: for whoever remembers its dialog. */
  ended: ((leg: CallLeg) => void) | undefined;
  changed: ((leg: CallLeg) => void) | undefined;
  /** Its party gets a new offer: the edge has forgotten the leg. */
  mend(leg: CallLeg): void;
  /** Our address as that peer reaches it, for SDP. */
  addressFor(remote: string): string;
  /** Calls that run through a trunk now. */
  channels(trunkId: string): number;
}
