// What calls ask of the edge for legs that are not plain RTP: browsers (ICE, DTLS-SRTP) and SRTP phones.
import type { Codec } from '../media/api.ts';

export interface EdgeSettled {
  /** Where the switch finds the party: the inner side of the edge. */
  remote: { address: string; port: number };
  codec: Codec;
  telephoneEvent: number | undefined;
  held: boolean;
  /** What the edge wants back with the next request for this leg; plain JSON. */
  facts: Record<string, unknown>;
}

export interface EdgeDoor {
  /** The party offers; `inner` is the leg's port in the switch. */
  answer(request: {
    leg: string;
    offer: string;
    inner: number;
    facts: Record<string, unknown> | undefined;
  }): Promise<EdgeSettled & { body: string }>;
  /** We offer. */
  offer(request: {
    leg: string;
    kind: 'webrtc' | 'sdes';
    inner: number;
    facts: Record<string, unknown> | undefined;
  }): Promise<{ body: string; facts: Record<string, unknown> }>;
  settle(request: { leg: string; answer: string; facts: Record<string, unknown> }): Promise<EdgeSettled>;
  remove(leg: string, facts: Record<string, unknown>): Promise<void>;
}
