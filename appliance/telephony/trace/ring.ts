// The last SIP messages of this process, bounded in number and in bytes. They leave it only masked.
import type { SipCallView, SipMessageView } from '#appliance/contract/bus.ts';
import type { TraceEntry, TransportName } from '../sip/index.ts';
import { masked } from './mask.ts';

/** As others see it (contract/bus.ts). */
export type TracedMessage = SipMessageView;
export type TracedCall = SipCallView;

interface Slot {
  at: number;
  direction: 'in' | 'out';
  transport: TransportName;
  local: { address: string; port: number };
  remote: { address: string; port: number };
  message: Buffer;
}

const MAX_MESSAGES = 6000;
const MAX_BYTES = 8 * 2 ** 20;
const CALL_ID_WITHIN = 4096;

export class SipRing {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #slots: (Slot | undefined)[];
  #first = 0;
  #count = 0;
  #bytes = 0;

  constructor(limits: { messages?: number; bytes?: number } = {}) {
    this.#maxMessages = limits.messages ?? MAX_MESSAGES;
    this.#maxBytes = limits.bytes ?? MAX_BYTES;
    this.#slots = new Array<Slot | undefined>(this.#maxMessages);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#count;
  }

  /** For each message that comes or goes: nothing is read here. */
  add({ at, direction, flow, message }: TraceEntry): void {
    if (message.length > this.#maxBytes) return;
    while (this.#count === this.#maxMessages || this.#bytes + message.length > this.#maxBytes) this.#drop();
    const { transport, local, remote } = flow;
    // A piece of a connection's buffer would keep all of it.
    const own = message.byteLength === message.buffer.byteLength ? message : Buffer.from(message);
    this.#slots[(this.#first + this.#count) % this.#maxMessages] = {
      at: at.getTime(),
      direction,
      transport,
      local: { address: local.address, port: local.port },
      remote: { address: remote.address, port: remote.port },
      message: own,
    };
    this.#count++;
    this.#bytes += own.length;
  }

  /** Messages of these dialogs, oldest first; the newest `limit` of them. */
  messages(callIds: ReadonlySet<string>, limit = 500): TracedMessage[] {
    const found: { slot: Slot; callId: string }[] = [];
    for (let i = this.#count - 1; i >= 0 && found.length < limit; i--) {
      const slot = this.#slots[(this.#first + i) % this.#maxMessages]!;
      const callId = callIdOf(slot.message);
      if (callId !== undefined && callIds.has(callId)) found.push({ slot, callId });
    }
    return found.reverse().map(({ slot, callId }) => {
      const { at, message, ...rest } = slot;
      return { ...rest, at: new Date(at).toISOString(), callId, text: masked(message) };
    });
  }

  /** Dialogs that began with an INVITE, newest first; with `every`, registrations and all others, too. */
  calls(limit = 50, every = false): TracedCall[] {
    const calls = new Map<string, TracedCall>();
    for (let i = 0; i < this.#count; i++) {
      const { at, message } = this.#slots[(this.#first + i) % this.#maxMessages]!;
      const callId = callIdOf(message);
      if (callId === undefined) continue;
      const known = calls.get(callId);
      if (known) {
        known.messages++;
        continue;
      }
      const head = message.toString('latin1', 0, CALL_ID_WITHIN);
      calls.set(callId, {
        callId,
        at: new Date(at).toISOString(),
        from: userOf(head, /^(?:from|f)\s*:\s*(.*)$/im),
        to: userOf(head, /^(?:to|t)\s*:\s*(.*)$/im),
        method: /^cseq\s*:\s*\d+\s+([A-Z]{1,20})/im.exec(head)?.[1] ?? '',
        messages: 1,
      });
    }
    return [...calls.values()]
      .filter(({ method }) => every || method === 'INVITE')
      .reverse()
      .slice(0, limit);
  }

  #drop(): void {
    const slot = this.#slots[this.#first]!;
    this.#slots[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.#maxMessages;
    this.#count--;
    this.#bytes -= slot.message.length;
  }
}

export function callIdOf(message: Buffer): string | undefined {
  return /^(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*$/im.exec(message.toString('latin1', 0, CALL_ID_WITHIN))?.[1];
}

function userOf(head: string, field: RegExp): string {
  const value = field.exec(head)?.[1] ?? '';
  return (/sips?:([^@;>\s]+)@/i.exec(value)?.[1] ?? value).slice(0, 60);
}
