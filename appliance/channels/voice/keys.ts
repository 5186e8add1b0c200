import { NO_FORWARDING } from '#appliance/contract/calls.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Feature } from './features.ts';
import type { Mailbox } from './mailbox.ts';
import type { Parking } from './parking.ts';
import type { PickUps } from './pickups.ts';

export type Keys = ReturnType<typeof createKeys>;

/** What a desk phone dialled to have something done. */
export function createKeys(
  { agents, endpoints, sounds, log }: VoiceDeps,
  { parking, pickUps, mailbox }: { parking: Parking; pickUps: PickUps; mailbox: Mailbox },
) {
  async function press(feature: Feature, leg: Leg, agentId: string | undefined): Promise<void> {
    // Q.850 57: bearer capability not authorized
    if (!agentId) return leg.hangup({ q850: 57, sip: 403, text: 'This phone belongs to nobody' });
    try {
      switch (feature.do) {
        case 'unpark':
          return await parking.fromPhone(feature.slot, agentId, leg);
        case 'pick-up':
          return await pickUps.byExtension(feature.extension, agentId, leg);
        case 'mailbox':
          return await mailbox.listen(leg, agentId, 'en');
        case 'forward': {
          if (!endpoints.isExtension(feature.extension))
            throw new AppError('not-found', 'extension-unknown', 'Nobody has this extension');
          if (endpoints.agentOfExtension(feature.extension) === agentId)
            throw new AppError('conflict', 'forward-to-self', 'That is your own extension');
          return await forward(leg, agentId, { to: 'extension', extension: feature.extension });
        }
        case 'forward-off':
          return await forward(leg, agentId, null);
      }
    } catch (error) {
      log.info({ feature: feature.do, agent: agentId, error: messageOf(error) }, 'a key of a phone did nothing');
      const refused = error instanceof AppError && error.kind === 'forbidden';
      leg.hangup(refused ? { q850: 57, sip: 403 } : { q850: 1, sip: 404 });
    }
  }

  /** All calls, from now on; two tones say that it is kept. */
  async function forward(
    leg: Leg,
    agentId: string,
    always: { to: 'extension'; extension: string } | null,
  ): Promise<void> {
    await agents.setForwarding(agentId, { ...(agents.get(agentId)?.forwarding ?? NO_FORWARDING), always });
    await leg.answer();
    const beep = sounds.prompt('beep', 'en');
    await leg.play([...beep, ...beep]).done;
    leg.hangup({ q850: 16 });
  }

  return { press };
}
