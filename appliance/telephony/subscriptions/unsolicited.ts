// Phones that expect to be told of waiting messages without having subscribed: when they register, and when it changes.
import type { Clock } from '#appliance/kernel/clock.ts';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { PhoneRow, Phones } from '../phones/index.ts';
import type { Contact, Registrar } from '../registrar/index.ts';
import { printUri, type SipStack } from '../sip/index.ts';
import type { MessageCounts } from './api.ts';
import { messageSummary } from './message-summary.ts';
import { PACKAGES } from './packages.ts';
import { notifyPlace, type Place, placesOf } from './to-contact.ts';

export interface UnsolicitedOptions {
  sip: SipStack;
  phones: Pick<Phones, 'book'>;
  registrar: Pick<Registrar, 'contacts'>;
  messages: MessageCounts;
  clock: Clock;
  log: Log;
  gapMs: number;
}

export class Unsolicited {
  readonly #options: UnsolicitedOptions;
  /** Extensions that were told of within the last second; true: and changed again. */
  readonly #held = new Map<string, { again: boolean; cancel: () => void }>();

  constructor(options: UnsolicitedOptions) {
    this.#options = options;
  }

  registered({ phoneId, uri, flow, path, row }: Contact): void {
    const phone = this.#options.phones.book.get(phoneId);
    if (phone?.unsolicitedMwi) void this.#tell(phone, [{ uri, flow, path, address: row.address }]);
  }

  changed(extension: string): void {
    const { phones, registrar, clock, gapMs } = this.#options;
    const wanting = phones.book.byExtension(extension).filter((phone) => phone.unsolicitedMwi);
    if (wanting.length === 0) return;
    const held = this.#held.get(extension);
    if (held) {
      held.again = true;
      return;
    }
    const cancel = clock.after(gapMs, () => {
      const again = this.#held.get(extension)?.again;
      this.#held.delete(extension);
      if (again) this.changed(extension);
    });
    this.#held.set(extension, { again: false, cancel });
    for (const phone of wanting) void this.#tell(phone, placesOf(phone, registrar.contacts(phone.id)));
  }

  stop(): void {
    for (const { cancel } of this.#held.values()) cancel();
    this.#held.clear();
  }

  async #tell(phone: PhoneRow, places: Place[]): Promise<void> {
    const { sip, messages, log } = this.#options;
    if (phone.extension === null) return;
    const { extension } = phone;
    try {
      const counts = await messages.of(extension);
      const { contentType } = PACKAGES['message-summary'];
      await Promise.all(
        places.map((place) => {
          const account = printUri({ scheme: 'sip', user: extension, host: sip.localAddressFor(place.address) });
          const body = messageSummary(account, counts);
          return notifyPlace(sip, phone, place, { event: 'message-summary', contentType, body });
        }),
      );
    } catch (error) {
      log.debug({ phone: phone.username, error: messageOf(error) }, 'a phone did not take the news of its messages');
    }
  }
}
