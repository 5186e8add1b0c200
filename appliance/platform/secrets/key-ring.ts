import { hkdfSync, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '#appliance/kernel/errors.ts';
import { readOrMake } from './private-file.ts';
import { openBytes, sealBytes } from './seal.ts';
import { boxKey } from './secrets.ts';

/** The data keys of classes of files (recordings, attachments, …), each wrapped by the box key. */
export interface KeyRing {
  /** The key that new files of this class get; made at its first use. */
  current(fileClass: string): { keyId: string; key: Buffer };
  get(fileClass: string, keyId: string): Buffer;
  /** New files get a new key from now on; files written before stay readable. */
  rotate(fileClass: string): { keyId: string; key: Buffer };
}

/** Keys are files `keys/data/<class>.<number>`: whoever copies data folder and keys together can read everything again. */
export function openKeyRing(keysDir: string): KeyRing {
  const dir = join(keysDir, 'data');
  const wrapping = Buffer.from(hkdfSync('sha256', boxKey(keysDir), '', 'strongroom data keys', 32));
  const known = new Map<string, Buffer>();

  function load(fileClass: string, number: number): { keyId: string; key: Buffer } {
    assertClass(fileClass);
    const keyId = String(number);
    const name = `${fileClass}.${keyId}`;
    let key = known.get(name);
    if (!key) {
      const wrapped = readOrMake(join(dir, name), () => sealBytes(wrapping, randomBytes(32), name));
      key = openBytes(wrapping, wrapped, name);
      known.set(name, key);
    }
    return { keyId, key };
  }

  function newest(fileClass: string): number {
    const names = existsSync(dir) ? readdirSync(dir) : [];
    const numbers = names.filter((name) => name.startsWith(`${fileClass}.`)).map((name) => Number(name.split('.')[1]));
    return Math.max(1, ...numbers);
  }

  return {
    current: (fileClass) => load(fileClass, newest(fileClass)),
    rotate: (fileClass) => load(fileClass, newest(fileClass) + 1),
    get(fileClass, keyId) {
      assertClass(fileClass);
      const name = `${fileClass}.${keyId}`;
      const loaded = known.get(name);
      if (loaded) return loaded;
      const file = join(dir, name);
      if (!/^[1-9]\d{0,5}$/.test(keyId) || !existsSync(file)) {
        throw new AppError('unavailable', 'key-missing', `The data key ${name} is not on this box.`);
      }
      const key = openBytes(wrapping, readFileSync(file), name);
      known.set(name, key);
      return key;
    },
  };
}

function assertClass(fileClass: string): void {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(fileClass)) throw new Error(`${fileClass} cannot be a class of files`);
}
