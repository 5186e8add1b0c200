import { AppError } from '#appliance/kernel/errors.ts';

export const IDENTITY_KINDS = ['phone', 'email', 'chat', 'social', 'account', 'address'] as const;
export type IdentityKind = (typeof IDENTITY_KINDS)[number];

/** One spelling per identity, so that one person is found under it again. Numbers come in E.164 from the trunk; others are kept as they are. */
export function normalise(kind: IdentityKind, value: string): string {
  const trimmed = value.normalize('NFC').trim();
  if (trimmed.length === 0 || trimmed.length > 320) {
    throw new AppError('invalid', 'invalid-identity', 'An identity has 1 to 320 characters.');
  }
  switch (kind) {
    case 'phone': {
      const digits = trimmed.replace(/[\s().\-/]/g, '');
      return /^\+?[0-9*#]+$/.test(digits) ? digits : trimmed;
    }
    case 'email':
      return trimmed.toLowerCase();
    case 'chat':
    case 'social':
    case 'account':
    case 'address':
      return trimmed;
  }
}
