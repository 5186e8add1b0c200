import { AppError } from '#appliance/kernel/errors.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { PickUps } from './pickups.ts';
import type { Rejoining } from './rejoining.ts';

export type Replacing = ReturnType<typeof createReplacing>;

/**
 * INVITE with Replaces (RFC 3891). Of a call that rings still: the lit key of a colleague, who is picked up. Of an answered one:
 * agents go on talking from another phone of their own, and nobody else may.
 */
export function createReplacing(
  { endpoints, registry, log }: VoiceDeps,
  { rejoining, pickUps }: { rejoining: Pick<Rejoining, 'move'>; pickUps: Pick<PickUps, 'byLeg'> },
) {
  async function pickUp(by: Leg, agentId: string, rung: Leg): Promise<void> {
    try {
      await pickUps.byLeg(rung, agentId, by);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      log.info({ agent: agentId, why: error.code }, 'a ringing call was not picked up');
      // Q.850 57: bearer capability not authorized; 481 (RFC 3891 §3): it rings no more.
      by.hangup(error.kind === 'forbidden' ? { q850: 57, sip: 403 } : { q850: 31, sip: 481 });
    }
  }

  return {
    async take(by: Leg, { leg: replaced, early }: { leg: Leg; early: boolean }): Promise<void> {
      const agentId = by.phoneId ? endpoints.agentOfPhone(by.phoneId) : undefined;
      if (agentId !== undefined && early) return pickUp(by, agentId, replaced);
      const call = [...registry.all()].find((one) => one.agent?.leg === replaced);
      if (!call || agentId === undefined || call.agent?.id !== agentId)
        return by.hangup({ q850: 57, sip: 403, text: 'Not your call' });
      await by.answer();
      await rejoining.move(call, agentId, by);
    },
  };
}
