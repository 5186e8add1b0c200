// Who subscribes, and to whose state: a phone of the house, known as for its calls, and an extension it may watch.
import type { PhoneRow, Phones } from '../phones/index.ts';
import type { Authenticator, Registrar } from '../registrar/index.ts';
import type { Flow, IncomingRequest } from '../sip/index.ts';
import type { EventPackage, Lines } from './api.ts';

export interface SubscriberOptions {
  phones: Pick<Phones, 'book' | 'findByUsername'>;
  registrar: Pick<Registrar, 'phoneOn'>;
  authenticator: Authenticator;
  /** Somebody offers wrong passwords, or names that are not here. */
  suspicious?: ((flow: Flow, what: 'unknown-user' | 'wrong-password', username: string) => void) | undefined;
}

/** Undefined: it has been answered. */
export async function identify(
  incoming: Pick<IncomingRequest, 'request' | 'flow' | 'respond'>,
  options: SubscriberOptions,
): Promise<PhoneRow | undefined> {
  const { request, flow } = incoming;
  const { book } = options.phones;
  const user = request.from.uri.user ?? '';
  const fixed = book.atAddress(flow.remote, user);
  if (fixed) return fixed;
  // A connection over which a phone registered is that phone's.
  const bound = options.registrar.phoneOn(flow);
  const phone = bound ? book.get(bound) : undefined;
  if (phone && (user === phone.username || user === phone.extension)) return phone;
  const identified = await options.authenticator.identify(request);
  if (identified.ok) return identified.phone;
  incoming.respond({ status: 401, headers: identified.challenge });
  if (identified.failed) options.suspicious?.(flow, identified.failed, user);
  // The answer is the same for all: it must not tell who is here.
  else if (book.byExtension(user).length === 0 && !(await options.phones.findByUsername(user)))
    options.suspicious?.(flow, 'unknown-user', user);
  return undefined;
}

/** The extension that `user` of a Request-URI means; a status when this phone cannot watch it. */
export function resourceOf(
  phone: PhoneRow,
  user: string | undefined,
  event: EventPackage,
  { phones, lines }: { phones: Pick<Phones, 'book'>; lines: Lines },
): string | 403 | 404 {
  const isOwn = user === undefined || user === phone.username || user === phone.extension;
  if (event === 'message-summary') {
    // How many messages wait is for their owner.
    if (!isOwn) return 403;
    return phone.extension ?? 404;
  }
  if (user === undefined) return 404;
  const extension = isOwn ? phone.extension : (phones.book.byUsername(user)?.extension ?? user);
  return extension !== null && lines.exists(extension) ? extension : 404;
}
