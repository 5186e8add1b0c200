// Asks a phone to fetch its configuration and start again: NOTIFY with Event check-sync, as desk phones know it.
import { AppError } from '#appliance/kernel/errors.ts';
import type { Phones } from '../phones/index.ts';
import type { Registrar } from '../registrar/index.ts';
import { RequestFailed, type SipStack } from '../sip/index.ts';
import { notifyPlace, placesOf } from './to-contact.ts';

export interface RestartDeps {
  sip: Pick<SipStack, 'request' | 'localAddressFor'>;
  phones: Pick<Phones, 'book'>;
  registrar: Pick<Registrar, 'contacts'>;
}

export interface Restarted {
  /** Places where the phone agreed, and where it was asked. */
  accepted: number;
  asked: number;
}

export function createRestart({ sip, phones, registrar }: RestartDeps): (phoneId: string) => Promise<Restarted> {
  return async (phoneId) => {
    const phone = phones.book.get(phoneId);
    if (!phone)
      throw new AppError('conflict', 'phone-not-registered', 'The phone is switched off here or does not exist.');
    if (phone.kind === 'browser')
      throw new AppError('conflict', 'phone-is-browser', 'A phone in a browser is restarted by reloading its page.');
    const places = placesOf(phone, registrar.contacts(phoneId));
    if (places.length === 0)
      throw new AppError('conflict', 'phone-not-registered', 'The phone is not registered, so it cannot be asked.');
    const answers = await Promise.all(
      places.map((place) =>
        notifyPlace(sip, phone, place, { event: 'check-sync;reboot=true' }).catch((error: unknown) => {
          if (error instanceof RequestFailed) return undefined;
          throw error;
        }),
      ),
    );
    const accepted = answers.filter((answer) => answer && answer.status < 300).length;
    if (accepted > 0) return { accepted, asked: places.length };
    const refusal = answers.find((answer) => answer && answer.status !== 408);
    if (!refusal) throw new AppError('unavailable', 'phone-silent', 'The phone does not answer.');
    throw new AppError('conflict', 'phone-declined', `The phone declined: ${refusal.status} ${refusal.reason}`);
  };
}
