import { messageOf } from '#appliance/kernel/errors.ts';

/** A host that http steps may reach. */
export interface AllowedHost {
  /** Name or address, with `:port` unless it is the scheme's own. */
  host: string;
  plainHttp: boolean;
  /** Added to each request: keys and tokens that no flow document holds. */
  headers: Record<string, string>;
}

export interface HttpRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | undefined;
  timeoutMs: number;
  maxBytes: number;
}

export type HttpAnswer = { ok: true; status: number; body: unknown } | { ok: false; why: string; status?: number };

export interface HttpCaller {
  call(request: HttpRequest): Promise<HttpAnswer>;
}

/** Makes requests to allowed hosts only; never follows redirects, never reads more than asked for, never throws. */
export function createHttpCaller({ hosts }: { hosts: () => AllowedHost[] }): HttpCaller {
  return {
    async call({ method, url, headers, body, timeoutMs, maxBytes }) {
      const allowed = allowedHost(url, hosts());
      if (!allowed) return { ok: false, why: 'host-not-allowed' };
      try {
        const response = await fetch(url, {
          method,
          headers: { ...headers, ...allowed.headers },
          redirect: 'manual',
          signal: AbortSignal.timeout(timeoutMs),
          ...(body !== undefined && method !== 'GET' && { body }),
        });
        const text = await readBounded(response, maxBytes);
        if (text === undefined) return { ok: false, why: 'answer-too-large', status: response.status };
        if (response.status >= 300) return { ok: false, why: `status-${response.status}`, status: response.status };
        return { ok: true, status: response.status, body: parsed(text) };
      } catch (error) {
        // The error's own text may hold parts of the request: only its kind is told.
        return { ok: false, why: whyOf(error) };
      }
    },
  };
}

/** The entry that allows this URL. */
export function allowedHost(url: string, hosts: AllowedHost[]): AllowedHost | undefined {
  const target = URL.parse(url);
  if (!target || target.username || target.password) return undefined;
  return hosts.find((entry) => {
    if (target.protocol !== 'https:' && !(target.protocol === 'http:' && entry.plainHttp)) return false;
    return URL.parse(`${target.protocol}//${entry.host}`)?.host === target.host;
  });
}

async function readBounded(response: Response, maxBytes: number): Promise<string | undefined> {
  if (!response.body) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > maxBytes) return undefined; // leaving the loop cancels the stream
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function whyOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'timed-out';
  const code = (error as { cause?: { code?: unknown } }).cause?.code;
  if (typeof code === 'string' && /^[A-Z0-9_]{3,40}$/.test(code)) return code.toLowerCase().replaceAll('_', '-');
  return /fetch failed/.test(messageOf(error)) ? 'unreachable' : 'failed';
}
