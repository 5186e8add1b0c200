import type { Clock } from '#appliance/kernel/clock.ts';
import { AppError } from '#appliance/kernel/errors.ts';
import { matchingStep, newRecoveryCodes, newTotpSecret, recoveryHash, totpUri } from './totp.ts';
import type { UserRow, UserStore } from './user-store.ts';

/** Seals texts with the box key: platform/secrets. */
export interface Sealer {
  seal(text: string, context: string): string;
  open(sealed: string, context: string): string;
}

export type SecondFactor = ReturnType<typeof createSecondFactor>;

/** Codes of an authenticator app (RFC 6238), with recovery codes for the day the telephone is lost. */
export function createSecondFactor({
  users,
  secrets,
  clock,
  issuer = 'Strongroom',
}: {
  users: UserStore;
  secrets: Sealer;
  clock: Clock;
  issuer?: string;
}) {
  /** A new secret that counts only once a code of it was shown. */
  async function enrol(user: UserRow): Promise<{ secret: string; uri: string }> {
    if (user.totpConfirmedAt)
      throw new AppError('conflict', 'otp-enrolled', 'A second factor is set up already; remove it first');
    const secret = newTotpSecret();
    await users.touch(user.id, {
      totp_secret: secrets.seal(secret, sealContext(user.id)),
      totp_confirmed_at: null,
      totp_last_step: 0,
    });
    return { secret, uri: totpUri(secret, user.username, issuer) };
  }

  async function confirm(user: UserRow, code: string): Promise<{ recoveryCodes: string[] }> {
    if (user.totpConfirmedAt) throw new AppError('conflict', 'otp-enrolled', 'A second factor is set up already');
    if (!user.totpSecret) throw new AppError('conflict', 'otp-not-enrolled', 'Ask for a secret first');
    if (!(await takeCode(user, code)))
      throw new AppError('invalid', 'otp-wrong', 'That code is not right; is the clock of the telephone?');
    const recoveryCodes = newRecoveryCodes();
    await users.replaceRecoveryCodes(user.id, recoveryCodes.map(recoveryHash));
    await users.touch(user.id, { totp_confirmed_at: clock.now() });
    return { recoveryCodes };
  }

  async function verify(user: UserRow, code: string): Promise<boolean> {
    if (/^\d{6}$/.test(code.trim())) return takeCode(user, code.trim());
    return users.takeRecoveryCode(user.id, recoveryHash(code), clock.now());
  }

  async function remove(userId: string): Promise<void> {
    await users.touch(userId, { totp_secret: null, totp_confirmed_at: null, totp_last_step: 0 });
    await users.replaceRecoveryCodes(userId, []);
  }

  async function takeCode(user: UserRow, code: string): Promise<boolean> {
    if (!user.totpSecret) return false;
    const step = matchingStep(
      secrets.open(user.totpSecret, sealContext(user.id)),
      code,
      clock.now().getTime(),
      Number(user.totpLastStep),
    );
    return step !== undefined && users.takeTotpStep(user.id, step);
  }

  return { enrol, confirm, verify, remove };
}

function sealContext(userId: string): string {
  return `user-totp:${userId}`;
}
