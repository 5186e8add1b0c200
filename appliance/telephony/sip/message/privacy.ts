// Privacy: RFC 3323 §4.2, RFC 3325 §9.3, RFC 7044 §10.1. Its values stand between semicolons.
import type { SipRequest } from './message.ts';

const MAX_VALUES = 16;

/** In lower case; an empty set when nothing is asked for. */
export function privacyOf(request: SipRequest): ReadonlySet<string> {
  const values = request.headers('privacy').flatMap((value) => value.split(/[;,]/, MAX_VALUES));
  return new Set(values.map((value) => value.trim().toLowerCase()).filter((value) => value !== ''));
}
