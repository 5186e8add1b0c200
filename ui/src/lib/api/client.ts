/** The four verbs of the appliance's API, and the one way in which it refuses. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: unknown;

  constructor(status: number, code: string, message: string, details?: unknown) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** A thing with the version it was read at: what `If-Match` needs. */
export interface Versioned<T> {
  value: T;
  etag: string | null;
}

export const get = <T>(path: string, query?: Query): Promise<T> => body<T>(send('GET', path, { query }));
export const post = <T = void>(path: string, payload: unknown = {}): Promise<T> =>
  body<T>(send('POST', path, { payload }));
export const put = <T = void>(path: string, payload: unknown, etag?: string | null): Promise<T> =>
  body<T>(send('PUT', path, { payload, etag }));
export const patch = <T = void>(path: string, payload: unknown, etag?: string | null): Promise<T> =>
  body<T>(send('PATCH', path, { payload, etag }));
export const del = (path: string, etag?: string | null): Promise<void> => body<void>(send('DELETE', path, { etag }));

export async function getVersioned<T>(path: string): Promise<Versioned<T>> {
  const response = await send('GET', path, {});
  return { value: await body<T>(Promise.resolve(response)), etag: response.headers.get('etag') };
}

/** Asks again while the list has more, up to `limit` items: for lists that are configuration, not history. */
export async function getAll<T>(path: string, query: Query = {}, limit = 5000): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await get<Page<T>>(path, { limit: 200, ...query, cursor });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < limit);
  return items;
}

interface Sending {
  query?: Query | undefined;
  payload?: unknown;
  etag?: string | null | undefined;
}

const TIMEOUT_MS = 15_000;

async function send(method: string, path: string, { query, payload, etag }: Sending): Promise<Response> {
  const url = new URL(`/api/v1${path}`, location.origin);
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '') url.searchParams.set(key, String(value));
  }
  const headers: Record<string, string> = { accept: 'application/json' };
  if (payload !== undefined) headers['content-type'] = 'application/json';
  if (etag) headers['if-match'] = etag;
  try {
    return await fetch(url, {
      method,
      headers,
      credentials: 'same-origin',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(payload === undefined ? {} : { body: JSON.stringify(payload) }),
    });
  } catch (error) {
    // The browser says only that it failed; the words for the person come from the code.
    throw new ApiError(
      0,
      error instanceof DOMException && error.name === 'TimeoutError' ? 'timeout' : 'unreachable',
      '',
    );
  }
}

async function body<T>(sending: Promise<Response>): Promise<T> {
  const response = await sending;
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  const value: unknown = parse(text);
  if (response.ok) return value as T;
  const refusal = (value ?? {}) as { code?: string; message?: string; details?: unknown };
  throw new ApiError(
    response.status,
    refusal.code ?? `http-${response.status}`,
    refusal.message ?? '',
    refusal.details,
  );
}

function parse(text: string): unknown {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
