// Three and more that hear each other, or who hears whom: conference, monitor, whisper.
import { AppError } from '#appliance/kernel/errors.ts';
import { detach } from './bridge.ts';
import type { CallsContext } from './context.ts';
import type { CallLeg } from './leg.ts';

const MOST_MEMBERS = 8;

/** The members of the mix from now on; who is not named leaves it and hears nothing. */
export async function mix(
  context: CallsContext,
  name: string,
  members: { leg: CallLeg; hear?: CallLeg[] | undefined }[],
): Promise<void> {
  if (members.length > MOST_MEMBERS)
    throw new AppError('invalid', 'mix-too-large', `A conference takes ${MOST_MEMBERS} parties.`);
  for (const { leg } of members) leg.fail();
  const staying = new Set(members.map(({ leg }) => leg));
  const touched = new Set<CallLeg>(staying);
  for (const member of context.routes.members(name)) {
    const leg = context.legs.get(member.hearing.id);
    if (!leg || staying.has(leg)) continue;
    leaveMix(leg);
    touched.add(leg);
  }
  for (const { leg, hear } of members) {
    const former = detach(leg);
    if (former) touched.add(former);
    if (leg.hearing.mix?.name !== name) leaveMix(leg);
    leg.playback?.close('stopped');
    leg.hearing.mix = { name, hear: hear?.map((other) => other.id) };
    context.routes.join(name, leg);
  }
  for (const leg of touched) leg.record.touch();
  await context.routes.apply(...touched);
}

export function leaveMix(leg: CallLeg): void {
  const { mix: current } = leg.hearing;
  if (!current) return;
  leg.hearing.mix = undefined;
  leg.context.routes.leave(current.name, leg);
}
