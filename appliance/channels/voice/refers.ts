import { messageOf } from '#appliance/kernel/errors.ts';
import type { VoiceDeps } from './deps.ts';
import type { Transfers } from './transfers.ts';
import type { VoiceCall } from './voice-call.ts';

/** The transfer key of a desk phone: REFER (RFC 3515) becomes a blind transfer of the customer. */
export function followRefers({ endpoints, router, log }: VoiceDeps, { transfers }: { transfers: Transfers }) {
  return function follow(call: VoiceCall): void {
    call.events.on('agent-joined', ({ leg }) => {
      leg.on('refer', (refer) => {
        if (refer.replaces || call.agent?.leg !== leg) return refer.refuse(refer.replaces ? 501 : 403);
        // The user part; a whole URI when it has none, which names nobody here.
        const dialled = unescaped(refer.to);
        if (/^sips?:/i.test(dialled)) return refer.refuse(404);
        const queueId = router.queueNamed(dialled);
        refer.accept();
        const to = queueId
          ? ({ kind: 'queue', queueId } as const)
          : endpoints.agentOfExtension(dialled) || /^[0-9]{2,4}$/.test(dialled)
            ? ({ kind: 'extension', extension: dialled } as const)
            : ({ kind: 'number', number: dialled } as const);
        transfers.blind(call, to).then(
          () => refer.progress(200, 'OK'),
          (error) => {
            log.info(
              { interaction: call.id, to: dialled, error: messageOf(error) },
              'a transfer from a phone was refused',
            );
            refer.progress(404, 'Not Found');
          },
        );
      });
    });
  };
}

/** RFC 3261 §19.1.2: %2B and the like in a user part. What is no escape stays as it is. */
function unescaped(user: string): string {
  return user.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
