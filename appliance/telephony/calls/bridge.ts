// Two legs that hear each other. Nothing of it costs this process anything while they talk.
import type { CallLeg } from './leg.ts';
import { leaveMix } from './mix.ts';

export async function bridge(a: CallLeg, b: CallLeg): Promise<void> {
  a.fail();
  b.fail();
  if (a === b) throw new Error('a leg cannot be bridged with itself');
  const former = [detach(a), detach(b)].filter((leg) => leg !== undefined && leg !== a && leg !== b);
  for (const leg of [a, b]) {
    leaveMix(leg);
    leg.playback?.close('stopped');
    leg.hearing.hold = undefined;
  }
  a.setPeer(b);
  b.setPeer(a);
  for (const leg of [a, b, ...former]) leg?.record.touch();
  await a.context.routes.apply(a, b, ...former);
}

export async function unbridge(leg: CallLeg): Promise<void> {
  const peer = detach(leg);
  if (!peer) return;
  leg.record.touch();
  peer.record.touch();
  await leg.context.routes.apply(leg, peer);
}

/** Returns the leg it was bridged with. */
export function detach(leg: CallLeg): CallLeg | undefined {
  const { peer } = leg;
  leg.setPeer(undefined);
  peer?.setPeer(undefined);
  return peer;
}
