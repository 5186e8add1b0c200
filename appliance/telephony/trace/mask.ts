// A message as it may be shown: what opens doors is crossed out, in the same length, so that Content-Length stays true.

const DIGEST = /^((?:proxy-)?authorization[ \t]*:)((?:[^\r\n]|\r?\n[ \t])*)/gim;
const RESPONSE = /(\bresponse[ \t]*=[ \t]*"?)([0-9a-f]+)/gi;
const SCHEME = /^(\s*)(\S+)(\s+)([\s\S]*)$/;

export function masked(message: Buffer): string {
  const text = message.toString('latin1');
  const end = text.search(/\r?\n\r?\n/);
  const head = end < 0 ? text : text.slice(0, end);
  const body = end < 0 ? '' : text.slice(end);
  return (
    maskHead(head) + maskBody(body, /^(?:content-type|c)[ \t]*:[ \t]*([^;\s]+)/im.exec(head)?.[1]?.toLowerCase() ?? '')
  );
}

function maskHead(head: string): string {
  return head.replace(DIGEST, (_, name: string, value: string) => {
    const scheme = SCHEME.exec(value)?.[2]?.toLowerCase();
    if (scheme === 'digest')
      return name + value.replace(RESPONSE, (_all, before: string, secret: string) => before + crossed(secret));
    // Basic, Bearer and whatever else: the value is the secret.
    return (
      name +
      value.replace(SCHEME, (_all, a: string, b: string, c: string, secret: string) => a + b + c + crossed(secret))
    );
  });
}

/** Keys of SRTP and ICE wherever they are, in multipart bodies too; digits that a caller typed. */
function maskBody(body: string, contentType: string): string {
  const keys = body
    .replace(
      /(^a=crypto:\d+[ \t]+\S+[ \t]+inline:)([^\r\n|;\s]+)/gim,
      (_, a: string, secret: string) => a + crossed(secret),
    )
    .replace(/(^a=ice-pwd:)([^\r\n]+)/gim, (_, a: string, secret: string) => a + crossed(secret))
    .replace(/(^k=[a-z0-9]+:)([^\r\n]+)/gim, (_, a: string, secret: string) => a + crossed(secret))
    .replace(/(^[ \t]*signal[ \t]*=[ \t]*)([0-9A-D*#]+)/gim, (_, a: string, secret: string) => a + crossed(secret));
  return contentType === 'application/dtmf' ? keys.replace(/[0-9A-D*#]/gi, 'x') : keys;
}

function crossed(secret: string): string {
  return secret.replace(/[^\r\n\t ]/g, 'x');
}
