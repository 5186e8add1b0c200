// REFER from a phone: its transfer key (RFC 3515). The rooms above decide; the phone is told how it goes.
import { messageOf } from '#appliance/kernel/errors.ts';
import {
  type Dialog,
  type InDialogRequest,
  parseRefer,
  printReplaces,
  printUri,
  type Replaces,
  reasonOf,
  SipSyntaxError,
} from '../sip/index.ts';
import type { CallLeg } from './leg.ts';

const DECIDE_WITHIN_MS = 8_000;

export function receiveRefer(leg: CallLeg, dialog: Dialog, request: InDialogRequest): void {
  let refer: ReturnType<typeof parseRefer>;
  try {
    refer = parseRefer(request.request);
  } catch (error) {
    request.respond({ status: 400, ...(error instanceof SipSyntaxError ? { reason: 'Bad Refer-To' } : {}) });
    return;
  }
  // Only calls are transferred; §2.4.2 leaves other methods to local policy.
  if (refer.method !== 'INVITE') {
    request.respond({ status: 603 });
    return;
  }
  let decided = false;
  let over = false;
  // §2.4.6: the id tells several REFERs of one dialog apart.
  const event = `refer;id=${request.request.cseq.number}`;
  const decide = (status: number) => {
    if (decided) return;
    decided = true;
    cancelTimer();
    request.respond({ status });
  };
  const cancelTimer = leg.context.clock.after(DECIDE_WITHIN_MS, () => decide(603));
  const notify = (status: number, reason: string) => {
    if (refer.noSubscription || over || dialog.terminated) return;
    over = status >= 200;
    const body = `SIP/2.0 ${status} ${reason.replace(/[^\x20-\x7e]/g, ' ')}\r\n`;
    const state = over ? 'terminated;reason=noresource' : 'active;expires=60';
    dialog
      .request('NOTIFY', {
        headers: [
          ['Event', event],
          ['Subscription-State', state],
        ],
        contentType: 'message/sipfrag;version=2.0',
        body,
      })
      .catch((error) =>
        leg.context.log.debug(
          { leg: leg.id, error: messageOf(error) },
          'a phone did not take the news of its transfer',
        ),
      );
  };
  leg.emit('refer', {
    to: refer.target.user ?? printUri(refer.target),
    ...(refer.replaces ? { replaces: printReplaces(refer.replaces), ...replacedBy(leg, refer.replaces) } : {}),
    accept() {
      if (decided) return;
      decide(202);
      notify(100, 'Trying');
    },
    progress(status, reason) {
      if (decided) notify(status, reason || reasonOf(status));
    },
    refuse: (status) => decide(status >= 300 && status <= 699 ? status : 603),
  });
}

/** RFC 3891 §3: our tag is the to-tag. A phone disposes of its own calls only. */
function replacedBy(leg: CallLeg, { callId, toTag, fromTag }: Replaces): { replaced?: CallLeg } {
  for (const other of leg.context.legs.values()) {
    if (other === leg || other.callId !== callId || other.phoneId === undefined || other.phoneId !== leg.phoneId)
      continue;
    const facts = other.line?.dialogFacts;
    // Not answered yet: there is no dialog of ours to compare, but no other call has this Call-ID.
    if (!facts || (facts.localTag === toTag && facts.remoteTag === fromTag)) return { replaced: other };
  }
  return {};
}
