import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { Leg } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import { PARK } from './features.ts';
import type { Parking } from './parking.ts';
import type { Talks } from './talks.ts';
import type { Transfers } from './transfers.ts';
import type { VoiceCall } from './voice-call.ts';

/**
 * The transfer key of a desk phone. REFER (RFC 3515) becomes a blind transfer of the customer; with Replaces (RFC 5589 §7.3)
 * the customer gets the party of the phone's other call.
 */
export function followRefers(
  deps: VoiceDeps,
  { talks, transfers, parking }: { talks: Talks; transfers: Transfers; parking: Parking },
): (call: VoiceCall) => void {
  const { endpoints, router, registry, interactions, clock, log } = deps;

  async function attended(call: VoiceCall, replaced: Leg, told: () => void): Promise<void> {
    const other = [...registry.all()].find((one) => one.agent?.leg === replaced || one.customer === replaced);
    if (!other || other === call || call.third || (call.stage !== 'talking' && call.stage !== 'held'))
      throw new AppError('conflict', 'not-transferable', 'These calls cannot be joined');
    const asked = other.agent?.leg === replaced ? other.customer : other.agent?.leg;
    const agent = other.agent;
    if (asked?.state !== 'up' || !agent || (other.stage !== 'talking' && other.stage !== 'held'))
      throw new AppError('conflict', 'not-transferable', 'Nobody is on the other call');
    const colleague = asked === agent.leg ? agent.id : other.alsoEngaged[0];
    // The phone hears of the success while its dialogs stand; then both end.
    told();
    // The other call is over for the books, and its party stays.
    other.agent = undefined;
    await router.finished(other.id, agent.id, { wrapUp: false });
    await talks.over(other, { by: 'us', q850: 16, text: 'Transferred' }, clock.now(), 'transferred');
    await interactions.event(other.id, 'joined-to', { interactionId: call.id });
    if (call.customer.state === 'ended' || asked.state !== 'up') {
      replaced.hangup({ q850: 16 });
      asked.hangup({ q850: 16 });
      return;
    }
    call.third = {
      id: asked.id,
      label: asked === other.customer ? other.facts.to : other.facts.from,
      agentId: colleague,
      leg: asked,
    };
    await talks.handOver(call);
    replaced.hangup({ q850: 16 });
  }

  return function follow(call: VoiceCall): void {
    call.events.on('agent-joined', ({ leg }) => {
      leg.on('refer', (refer) => {
        if (call.agent?.leg !== leg || call.stage === 'secure') return refer.refuse(403);
        // RFC 3891 §3: a dialog that is not here, or not this phone's, replaces nothing.
        if (refer.replaces && !refer.replaced) return refer.refuse(481);
        if (refer.replaced?.state === 'up') {
          refer.accept();
          attended(call, refer.replaced, () => refer.progress(200, 'OK')).catch((error) => {
            log.info(
              { interaction: call.id, error: messageOf(error) },
              'an attended transfer from a phone was refused',
            );
            refer.progress(603, 'Declined');
          });
          return;
        }
        // The other call rings still: who it rings is rung for the customer.
        // The user part; a whole URI when it has none, which names nobody here.
        const dialled = unescaped(refer.to);
        if (/^sips?:/i.test(dialled)) return refer.refuse(404);
        const queueId = router.queueNamed(dialled);
        refer.accept();
        if (dialled === PARK && !endpoints.isExtension(dialled)) {
          parking.park(call).then(
            () => refer.progress(200, 'OK'),
            (error) => {
              log.info({ interaction: call.id, error: messageOf(error) }, 'a customer could not be parked');
              refer.progress(486, 'Busy Here');
            },
          );
          return;
        }
        const to = queueId
          ? ({ kind: 'queue', queueId } as const)
          : endpoints.isExtension(dialled) || /^[0-9]{2,4}$/.test(dialled)
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
