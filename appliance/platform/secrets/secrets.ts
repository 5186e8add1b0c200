import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '#appliance/kernel/errors.ts';
import { readOrMake } from './private-file.ts';
import { openBytes, sealBytes } from './seal.ts';

/** Secrets that must be readable again, such as trunk passwords, as they lie in the database. */
export interface Secrets {
  /** `context` ties the text to its place (`trunk:${id}`): moved to another row it does not open. */
  seal(text: string, context?: string): string;
  open(sealed: string, context?: string): string;
  /** A key of its own for one purpose (session tokens, the audit chain), always the same on this box. */
  derive(purpose: string): Buffer;
  /** A keyed digest: equal texts are found without being readable. */
  digest(text: string, purpose: string): string;
}

const BOX_KEY_BYTES = 32;

export function boxKey(keysDir: string): Buffer {
  const key = readOrMake(join(keysDir, 'box.key'), () => randomBytes(BOX_KEY_BYTES));
  if (key.length !== BOX_KEY_BYTES) throw new Error(`${join(keysDir, 'box.key')} is damaged: restore it from a backup`);
  return key;
}

/** Opens the box key in the keys folder; makes it at the first start. */
export function openSecrets(keysDir: string): Secrets {
  const key = boxKey(keysDir);
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', key, '', `strongroom ${purpose}`, 32));
  const sealing = derive('secrets');
  return {
    seal: (text, context = '') => sealBytes(sealing, Buffer.from(text), context).toString('base64url'),
    open(sealed, context = '') {
      try {
        return openBytes(sealing, Buffer.from(sealed, 'base64url'), context).toString();
      } catch (error) {
        throw new AppError(
          'unavailable',
          'secret-unreadable',
          'A stored secret does not open with this box’s key.',
          undefined,
          {
            cause: error,
          },
        );
      }
    },
    derive,
    digest: (text, purpose) => createHmac('sha256', derive(purpose)).update(text).digest('hex'),
  };
}
