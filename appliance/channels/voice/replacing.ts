import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { Rejoining } from './rejoining.ts';

export type Replacing = ReturnType<typeof createReplacing>;

/** INVITE with Replaces of an answered call (RFC 3891): agents go on talking from another phone of their own, and nobody else may. */
export function createReplacing(
  { endpoints, registry }: VoiceDeps,
  { rejoining }: { rejoining: Pick<Rejoining, 'move'> },
) {
  return {
    async take(by: Leg, replaced: Leg): Promise<void> {
      const agentId = by.phoneId ? endpoints.agentOfPhone(by.phoneId) : undefined;
      const call = [...registry.all()].find((one) => one.agent?.leg === replaced);
      if (!call || agentId === undefined || call.agent?.id !== agentId)
        return by.hangup({ q850: 57, sip: 403, text: 'Not your call' }); // Q.850 57: bearer capability not authorized
      await by.answer();
      await rejoining.move(call, agentId, by);
    },
  };
}
