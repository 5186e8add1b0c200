import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { AppError } from '#appliance/kernel/errors.ts';

// OWASP's first choice for argon2id: 19 MiB, two passes, one lane; some 60 ms of one thread of the pool.
const COST = { memory: 19_456, passes: 2, parallelism: 1 };
const TAG_BYTES = 32;
/** More at once would keep every thread of the pool, and all memory with it, from other work. */
const MAX_AT_ONCE = 2;
const MAX_WAITING = 200;
export const MIN_PASSWORD_LENGTH = 10;
export const MAX_PASSWORD_LENGTH = 200;

const DECOY = encode(COST, Buffer.alloc(16, 1), Buffer.alloc(TAG_BYTES));

let running = 0;
const waiting: (() => void)[] = [];

/** PHC string: `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return encode(COST, salt, await derive(password, salt, COST));
}

/** Takes the same work whether or not there is a hash to compare with, so that time does not tell who exists. */
export async function verifyPassword(password: string, hash: string | null | undefined): Promise<boolean> {
  const parsed = decode(hash ?? DECOY);
  const stored = parsed ?? decode(DECOY)!;
  const tag = await derive(password, stored.salt, stored);
  return timingSafeEqual(tag, stored.tag) && parsed !== undefined && typeof hash === 'string';
}

/** True when the hash was made with less work than we ask today. */
export function isOutdated(hash: string): boolean {
  const parsed = decode(hash);
  return !parsed || parsed.memory < COST.memory || parsed.passes < COST.passes;
}

/** @throws {AppError} invalid when the password is too weak to be stored. */
export function checkStrength(password: string, username: string): void {
  const refuse = (message: string): never => {
    throw new AppError('invalid', 'password-weak', message);
  };
  if (password.length < MIN_PASSWORD_LENGTH) refuse(`A password has at least ${MIN_PASSWORD_LENGTH} characters`);
  if (password.length > MAX_PASSWORD_LENGTH) refuse(`A password has at most ${MAX_PASSWORD_LENGTH} characters`);
  if (new Set(password).size < 5) refuse('A password has at least five different characters');
  if (username.length > 2 && password.toLowerCase().includes(username.toLowerCase()))
    refuse('A password does not contain the user name');
  if (COMMON.has(password.toLowerCase().replace(/[^a-z]+/g, '')) && password.length < 16)
    refuse('That password is one of the first that a stranger tries');
}

const COMMON = new Set([
  'password',
  'passwort',
  'strongroom',
  'qwertyuiop',
  'qwertz',
  'qwerty',
  'welcome',
  'admin',
  'letmein',
  'changeme',
  'iloveyou',
  'sunshine',
]);

interface Cost {
  memory: number;
  passes: number;
  parallelism: number;
}

async function derive(password: string, salt: Buffer, { memory, passes, parallelism }: Cost): Promise<Buffer> {
  await turn();
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const message = Buffer.from(password.normalize('NFC'), 'utf8');
      argon2('argon2id', { message, nonce: salt, parallelism, tagLength: TAG_BYTES, memory, passes }, (error, tag) =>
        error ? reject(error) : resolve(tag),
      );
    });
  } finally {
    running--;
    waiting.shift()?.();
  }
}

async function turn(): Promise<void> {
  if (running >= MAX_AT_ONCE) {
    if (waiting.length >= MAX_WAITING)
      throw new AppError('too-many', 'sign-in-busy', 'Too many people sign in at this moment; try again', {
        retryAfterS: 5,
      });
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
    });
  }
  running++;
}

function encode({ memory, passes, parallelism }: Cost, salt: Buffer, tag: Buffer): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;
}

function decode(hash: string): (Cost & { salt: Buffer; tag: Buffer }) | undefined {
  const match = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(
    hash,
  );
  if (!match) return undefined;
  const [, memory, passes, parallelism, salt, tag] = match;
  const bytes = Buffer.from(tag!, 'base64');
  if (bytes.length !== TAG_BYTES) return undefined;
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt!, 'base64'),
    tag: bytes,
  };
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
