import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import type { VoiceCall } from './voice-call.ts';

/** What the network did to each party's audio, kept with the interaction when the party's leg ends. */
export function keepQuality({ interactions }: Pick<VoiceDeps, 'interactions'>) {
  return function keep(call: VoiceCall): void {
    const measure = (leg: Leg, party: string): void => {
      leg.on('ended', ({ stats }) => {
        // Nothing received is nothing measured: an average over it would say the line was perfect.
        if (!stats || stats.received === 0) return;
        const { mos, lossPct, jitterMs, rttMs } = stats;
        void interactions.event(call.id, 'quality', { leg: leg.id, party, mos, lossPct, jitterMs, rttMs });
      });
    };
    measure(call.customer, 'customer');
    call.events.on('joined', ({ leg, party }) => measure(leg, party));
  };
}
