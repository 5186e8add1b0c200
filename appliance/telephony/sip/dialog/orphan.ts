// An INVITE that a former process sent and nobody waits for any more: CANCEL, ACK what answers it, BYE what accepts it.
import type { InviteFacts } from '../api.ts';
import { SipRequest, type SipResponse } from '../message/message.ts';
import type { Connection } from '../transport/connection.ts';
import { buildCancel } from './cancel.ts';
import type { Core } from './core.ts';
import { DialogSession } from './dialog.ts';
import { uacFacts } from './facts.ts';

export class Orphan {
  readonly #core: Core;
  readonly #invite: SipRequest;
  readonly #flow: Connection;
  readonly #branch: string;
  readonly #dialogs = new Map<string, DialogSession>();

  constructor(core: Core, facts: InviteFacts, flow: Connection) {
    this.#core = core;
    this.#flow = flow;
    this.#branch = facts.branch;
    const invite = new SipRequest('INVITE', facts.requestUri);
    for (const value of facts.routes) invite.append('Route', value);
    invite.append('From', `<${facts.localUri}>;tag=${facts.localTag}`);
    invite.append('To', `<${facts.remoteUri}>`);
    invite.append('Call-ID', facts.callId);
    invite.append('CSeq', `${facts.seq} INVITE`);
    this.#invite = invite;
    const nothing = () => {};
    core.send(
      buildCancel(invite, []),
      flow,
      { onResponse: nothing, onTimeout: nothing, onTransportError: nothing },
      facts.branch,
    );
  }

  receive(response: SipResponse): void {
    if (response.status < 200) return;
    const tag = response.to.tag ?? '';
    const { number } = this.#invite.cseq;
    if (response.status >= 300) {
      const ack = new SipRequest('ACK', this.#invite.uriText);
      for (const value of this.#invite.headers('route')) ack.append('Route', value);
      ack.append('Max-Forwards', '70');
      ack.append('From', this.#invite.header('from')!);
      ack.append('To', response.header('to')!);
      ack.append('Call-ID', this.#invite.callId);
      ack.append('CSeq', `${number} ACK`);
      this.#core.sendAck(ack, this.#flow, { branch: this.#branch });
      return;
    }
    const known = this.#dialogs.get(tag);
    if (known) {
      known.ack(number);
      return;
    }
    const contact = this.#core.contactFor('', this.#flow);
    const facts = uacFacts(this.#invite, response, this.#flow, contact, true);
    const dialog = new DialogSession(this.#core, facts, this.#flow);
    this.#dialogs.set(tag, dialog);
    dialog.ack(number);
    dialog.bye();
  }
}
