import { isBoom } from '@hapi/boom';
import type { Plugin } from '@hapi/hapi';

const YEAR_S = 31_536_000;

export const SECURITY_HEADERS: Record<string, string> = {
  'strict-transport-security': `max-age=${YEAR_S}`,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), payment=(), usb=(), microphone=(self), display-capture=()',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
};

/** Strict by default; what serves pages says more in its own content-security-policy. */
export const securityHeaders: Plugin<void> = {
  name: 'http/headers',
  register(server) {
    server.ext('onPreResponse', ({ response, path }, h) => {
      const headers = isBoom(response) ? response.output.headers : response.headers;
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) headers[name] ??= value;
      if (path.startsWith('/api/')) headers['cache-control'] ??= 'no-store';
      return h.continue;
    });
  },
};

/** The policy of the user interface: own origin only, inline scripts by hash, WebSockets to the same box. */
export function pagePolicy(scriptHashes: readonly string[]): string {
  return [
    "default-src 'none'",
    `script-src 'self'${scriptHashes.map((hash) => ` '${hash}'`).join('')}`,
    "style-src 'self' 'unsafe-inline'", // Svelte sets style attributes; no script can come of it
    "img-src 'self' data: blob:",
    "media-src 'self' blob: mediastream:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "manifest-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "object-src 'none'",
  ].join('; ');
}
