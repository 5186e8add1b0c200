// An INVITE that we sent, until it is answered or over.
import { messageOf } from '#appliance/kernel/errors.ts';
import { type InviteFacts, InviteFailed, type OutgoingInvite, SDP, type SipResponse, sdpOf } from '../sip/index.ts';
import type { DialOptions, EndCause } from './api.ts';
import { causeOfResponse, failure, Q850 } from './causes.ts';
import { DialogLine } from './dialog-line.ts';
import { addressing, type Endpoint, remoteOf } from './endpoints.ts';
import type { CallLeg } from './leg.ts';
import { NoCommonMedia } from './leg-audio.ts';
import type { Line } from './line.ts';
import { readRedirect } from './redirect.ts';

/** Whose tags are remembered. */
const MAX_FORKS = 20;
/** For those who rang along and lost: phones show no missed call (RFC 3326 §3.1). */
const ELSEWHERE = { sip: 200, text: 'Call completed elsewhere' };

export class OutgoingLine implements Line {
  readonly #invite: OutgoingInvite;
  readonly #remoteTags = new Set<string>();
  readonly dialogFacts = null;

  constructor(invite: OutgoingInvite) {
    this.#invite = invite;
    invite.onProgress(({ to }) => {
      if (to.tag && this.#remoteTags.size < MAX_FORKS) this.#remoteTags.add(to.tag);
    });
  }

  get tags(): Line['tags'] {
    return { local: this.#invite.facts.localTag, remote: [...this.#remoteTags] };
  }

  get inviteFacts(): InviteFacts {
    return this.#invite.facts;
  }

  end(cause: EndCause): void {
    this.#invite.cancel(cause.sip === 200 ? ELSEWHERE : { q850: cause.q850, text: cause.text });
  }
}

/** Sends the INVITE; what becomes of it is told through the leg. */
export async function ringOut(leg: CallLeg, endpoint: Endpoint, options: DialOptions): Promise<void> {
  const { context } = leg;
  let body: string;
  const address =
    endpoint.kind === 'phone' && endpoint.flow ? endpoint.flow.local.address : context.addressFor(remoteOf(endpoint));
  try {
    body = await leg.audio.offer(address, endpoint.secured);
  } catch (error) {
    if (leg.finished) return;
    context.log.error({ leg: leg.id, error: messageOf(error) }, 'no media for a call out');
    leg.finish(failure(Q850.temporaryFailure, 'No media'));
    return;
  }
  // Cancelled while the port was being opened.
  if (leg.finished) return;
  const parts = addressing(endpoint, options.from, address, options.forwarded);
  const invite = context.sip.invite({
    ...parts,
    contact: { user: '' },
    headers: [...(parts.headers ?? []), ...(options.headers ?? [])],
    contentType: SDP,
    body,
  });
  leg.callId = invite.callId;
  leg.line = new OutgoingLine(invite);
  // After a crash the next process stops what rings; the shorter this is unwritten, the better.
  leg.record.keep();
  invite.onChange(() => leg.record.touch());
  // Provisional answers and the final one are taken in their order, though the switch answers later.
  let settling: Promise<unknown> = Promise.resolve();
  invite.onProgress((response) => {
    settling = settling
      .then(() => progress(leg, response))
      .catch((error) => context.log.debug({ leg: leg.id, error: messageOf(error) }, 'early media not used'));
  });
  try {
    const { dialog, response } = await invite.answered;
    await settling;
    if (leg.finished) {
      dialog.bye();
      return;
    }
    const line = new DialogLine(leg, dialog);
    leg.line = line;
    witness(endpoint, leg, true);
    try {
      const { held } = await leg.audio.settle(sdpOf(response) ?? '');
      if (leg.finished) return;
      leg.hearing.heldByParty = held;
    } catch (error) {
      if (leg.finished) return;
      const text = error instanceof NoCommonMedia ? error.message : 'No media';
      leg.hangup({ q850: error instanceof NoCommonMedia ? Q850.noCommonCodec : Q850.temporaryFailure, text });
      return;
    }
    leg.up(line);
    // From here on a crash would leave a phone with an answered call that nobody knows.
    leg.record.keep();
  } catch (error) {
    const failed = error instanceof InviteFailed ? error : new InviteFailed(500, messageOf(error));
    if (leg.finished) return;
    witness(endpoint, leg, failed.response !== undefined);
    leg.redirects = failed.response && readRedirect(failed.response);
    leg.finish(
      failed.response
        ? causeOfResponse(failed.status, failed.response.reason, failed.response.headers('reason'))
        : failure(failed.status === 408 ? Q850.timerExpired : Q850.temporaryFailure, messageOf(failed), failed.status),
    );
  }
}

async function progress(leg: CallLeg, response: SipResponse): Promise<void> {
  if (leg.finished || leg.state === 'up') return;
  const sdp = sdpOf(response);
  if (sdp !== undefined) {
    await leg.audio.settle(sdp);
    if (!leg.finished) leg.ringing(true);
  } else if (response.status === 180 || response.status === 183) {
    leg.ringing(false);
  }
}

function witness(endpoint: Endpoint, leg: CallLeg, answered: boolean): void {
  if (endpoint.kind === 'trunk') leg.context.trunks.witness(endpoint.trunk.id, answered);
}
