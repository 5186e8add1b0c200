// Is it the phone it says it is? Digest against the phone's HA1 (RFC 3261 §22, RFC 8760), for REGISTER and for calls.
import type { PhoneRow, Phones } from '../phones/index.ts';
import type { SipRequest } from '../sip/index.ts';
import { createDigestServer, type DigestServer } from '../sip/index.ts';

export type Identified =
  | { ok: true; phone: PhoneRow }
  /** `failed`: credentials were there and wrong, which scanners do and phones seldom. */
  | { ok: false; failed: false | 'unknown-user' | 'wrong-password'; challenge: [string, string][] };

export interface Authenticator {
  identify(request: SipRequest): Promise<Identified>;
}

export function createAuthenticator(options: {
  phones: Pick<Phones, 'findByUsername'>;
  realm: string;
  /** The same in all voice processes, so that a challenge of one is good at another. */
  secret?: Buffer;
  digest?: DigestServer;
}): Authenticator {
  const { phones, realm, secret } = options;
  const digest = options.digest ?? createDigestServer({ realm, ...(secret ? { secret } : {}) });

  return {
    async identify(request) {
      let phone: PhoneRow | undefined;
      const verdict = await digest.verify(request, async (username, algorithm) => {
        phone = await phones.findByUsername(username);
        return (algorithm === 'MD5' ? phone?.ha1Md5 : phone?.ha1Sha256) ?? undefined;
      });
      if (verdict.ok && phone) return { ok: true, phone };
      const why = verdict.ok ? 'unknown-user' : verdict.why;
      const stale = why === 'stale' || why === 'replayed';
      return {
        ok: false,
        failed: why === 'unknown-user' || why === 'wrong-password' ? why : false,
        challenge: digest.challenge({ stale }).filter(([, value]) => understands(request, value)),
      };
    },
  };
}

/** Phones that know only MD5 (baresip 1.x and most desk phones before 2020) give up at a second challenge; phones that speak TLS are newer and get SHA-256 first (RFC 8760 §2.4). */
function understands(request: SipRequest, challenge: string): boolean {
  return /algorithm=MD5\b/i.test(challenge) || request.via.transport.toUpperCase() === 'TLS';
}
