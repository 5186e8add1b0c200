import { ApiError } from '#lib/api/client.ts';
import { m } from '#lib/paraglide/messages.js';

export interface Words {
  what: string;
  /** What the person can do about it; may be empty. */
  remedy: string;
}

/** Says what went wrong in the person's language and what to do. Codes we know have our words; others the box's own. */
export function wordsFor(error: unknown): Words {
  if (!(error instanceof ApiError))
    return { what: m.error_unexpected(), remedy: error instanceof Error ? error.message : '' };
  switch (error.code) {
    case 'unreachable':
      return { what: m.error_unreachable(), remedy: m.error_unreachable_remedy() };
    case 'timeout':
    case 'no-answer':
      return { what: m.error_timeout(), remedy: m.error_timeout_remedy() };
    case 'phone-not-registered':
      return { what: m.error_phone_away(), remedy: m.error_phone_remedy() };
    case 'phone-silent':
      return { what: m.error_phone_silent(), remedy: m.error_phone_remedy() };
    case 'phone-declined':
      return { what: m.error_phone_declined(), remedy: m.error_phone_remedy() };
  }
  switch (error.status) {
    case 401:
      return { what: m.error_signed_out(), remedy: m.error_signed_out_remedy() };
    case 403:
      return { what: m.error_forbidden(), remedy: m.error_forbidden_remedy() };
    case 404:
      return { what: m.error_gone(), remedy: error.message };
    case 412:
      return { what: m.error_changed_meanwhile(), remedy: m.error_changed_meanwhile_remedy() };
    case 429:
      return { what: m.error_too_many(), remedy: m.error_too_many_remedy() };
    case 500:
    case 502:
    case 503:
      return { what: error.message || m.error_box(), remedy: m.error_box_remedy() };
    default:
      return { what: error.message || m.error_unexpected(), remedy: '' };
  }
}
