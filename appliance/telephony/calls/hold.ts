// Hold and mute: changes of what is heard; the party's phone is not asked.
import type { CallLeg } from './leg.ts';

export async function hold(leg: CallLeg, music: string[]): Promise<void> {
  leg.fail();
  leg.playback?.close('stopped');
  leg.hearing.hold = music;
  await changed(leg);
}

export async function resume(leg: CallLeg): Promise<void> {
  leg.fail();
  leg.hearing.hold = undefined;
  await changed(leg);
}

export async function mute(leg: CallLeg, muted: boolean): Promise<void> {
  leg.fail();
  leg.hearing.muted = muted;
  await changed(leg);
}

async function changed(leg: CallLeg): Promise<void> {
  leg.record.touch();
  const { mix } = leg.hearing;
  const others = mix ? leg.context.routes.members(mix.name) : [];
  await leg.context.routes.apply(leg, leg.peer, ...others);
}
