// After a death of this process: the rows say what we were doing, the switch says what is still there.
import { messageOf } from '#appliance/kernel/errors.ts';
import type { CallsContext } from './context.ts';
import { DialogLine } from './dialog-line.ts';
import { CallLeg } from './leg.ts';
import { LegAudio } from './leg-audio.ts';
import type { LegRow } from './store.ts';

export async function restore(context: CallsContext): Promise<CallLeg[]> {
  const { media, store, log } = context;
  const [rows, { legs: present }] = await Promise.all([store.load(context.instance), media.list()]);
  const inSwitch = new Set(present);
  const kept: CallLeg[] = [];
  const restored = new Map<string, { leg: CallLeg; row: LegRow }>();
  for (const row of rows) {
    try {
      const leg = adopt(context, row, inSwitch.has(row.id));
      if (!leg) continue;
      kept.push(leg);
      restored.set(row.id, { leg, row });
    } catch (error) {
      log.error({ leg: row.id, error: messageOf(error) }, 'a leg of the former process cannot be taken over');
      await store.remove(row.id);
    }
  }
  for (const { leg, row } of restored.values()) {
    const peer = row.peerId ? restored.get(row.peerId)?.leg : undefined;
    if (peer) leg.setPeer(peer);
    if (leg.hearing.mix) context.routes.join(leg.hearing.mix.name, leg);
  }
  // Ports that no row speaks of belong to nobody any more.
  const known = new Set(kept.map((leg) => leg.id));
  const strays = present.filter((id) => !known.has(id));
  await Promise.allSettled(strays.map((id) => media.deleteLeg(id)));
  // A bridge or a mix that a crash cut in half is made whole. What played is left alone until its owner says what it was.
  for (const leg of kept) context.routes.unknown(leg.id);
  await context.routes.apply(...kept.filter((leg) => leg.peer || leg.hearing.mix || leg.onHold));
  log.info(
    { legs: kept.length, closed: rows.length - kept.length, strays: strays.length },
    'calls of the former process taken over',
  );
  return kept;
}

/** Undefined: the row has been closed. */
function adopt(context: CallsContext, row: LegRow, inSwitch: boolean): CallLeg | undefined {
  const { facts } = row;
  if (!facts.dialog) {
    // Outgoing: nobody waits for the answer any more. Incoming and not answered: the caller's next message gets 481 and it ends there.
    if (facts.invite?.flow.address) context.sip.cancelOrphan(facts.invite);
    void context.store.remove(row.id).catch(() => {});
    return undefined;
  }
  const dialog = context.sip.restoreDialog(facts.dialog);
  if (!inSwitch) {
    dialog.bye({ headers: [['Reason', 'Q.850;cause=41;text="Temporary failure"']] });
    void context.store.remove(row.id).catch(() => {});
    return undefined;
  }
  const trunk = row.trunkId ? context.trunks.get(row.trunkId) : undefined;
  const audio = new LegAudio(
    {
      leg: row.id,
      media: context.media,
      edge: context.edge,
      strict: row.trunkId !== null,
      prefer: trunk?.codecs ?? ['PCMA', 'PCMU'],
    },
    facts,
  );
  const leg = new CallLeg(
    context,
    {
      id: row.id,
      direction: row.direction,
      from: facts.from,
      to: facts.to,
      trunkId: row.trunkId ?? undefined,
      phoneId: row.phoneId ?? undefined,
      tag: row.tag,
      createdAt: row.createdAt,
    },
    audio,
    row,
  );
  leg.hearing.hold = facts.hold ?? undefined;
  leg.hearing.muted = facts.muted;
  leg.hearing.heldByParty = facts.heldByParty;
  leg.hearing.mix = facts.mix ? { name: facts.mix.name, hear: facts.mix.hear ?? undefined } : undefined;
  leg.callId = dialog.callId;
  leg.adopted(new DialogLine(leg, dialog));
  return leg;
}
