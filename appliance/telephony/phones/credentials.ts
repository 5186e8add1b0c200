// Passwords that phones prove they know. Kept only as HA1 (RFC 7616 §3.4.2); shown once, when they are made.
import { createHash, randomInt } from 'node:crypto';

export interface MadeCredentials {
  password: string;
  ha1Md5: string;
  ha1Sha256: string;
}

// Read aloud and typed on phones: nothing that looks like something else.
const LETTERS = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const LENGTH = 20;

export function makeCredentials(username: string, realm: string, password = makePassword()): MadeCredentials {
  const secret = `${username}:${realm}:${password}`;
  return { password, ha1Md5: digest('md5', secret), ha1Sha256: digest('sha256', secret) };
}

export function makePassword(length = LENGTH): string {
  let password = '';
  for (let i = 0; i < length; i++) password += LETTERS[randomInt(LETTERS.length)];
  return password;
}

function digest(algorithm: 'md5' | 'sha256', text: string): string {
  return createHash(algorithm).update(text).digest('hex');
}
