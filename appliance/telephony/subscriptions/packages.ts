// The event packages we notify of, and what each says about itself.
import type { EventPackage } from './api.ts';

export const PACKAGES: Record<EventPackage, { contentType: string }> = {
  /** RFC 3842 §3. */
  'message-summary': { contentType: 'application/simple-message-summary' },
  /** RFC 4235 §3. */
  dialog: { contentType: 'application/dialog-info+xml' },
};

export const ALLOW_EVENTS = Object.keys(PACKAGES).join(', ');

export function isPackage(name: string): name is EventPackage {
  return Object.hasOwn(PACKAGES, name);
}
