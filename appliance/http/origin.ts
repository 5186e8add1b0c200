interface OriginHeaders {
  origin?: string | string[] | undefined;
  host?: string | undefined;
  'sec-fetch-site'?: string | string[] | undefined;
}

/**
 * True when a browser sent this from our own pages. A request that says neither Origin nor Sec-Fetch-Site is not
 * from a browser of this decade: programs use a Bearer token and are not asked.
 */
export function isSameOrigin(headers: OriginHeaders, alsoAllowed: readonly string[] = []): boolean {
  const { origin } = headers;
  if (typeof origin === 'string') {
    if (alsoAllowed.includes(origin)) return true;
    const host = URL.canParse(origin) ? new URL(origin) : undefined;
    return host !== undefined && host.protocol === 'https:' && host.host === canonicalHost(headers.host);
  }
  return headers['sec-fetch-site'] === 'same-origin';
}

/** `box:443` and `box` are the same place over HTTPS; letters have no case. */
function canonicalHost(host: string | undefined): string | undefined {
  const url = `https://${host ?? ''}`;
  return URL.canParse(url) ? new URL(url).host : undefined;
}
