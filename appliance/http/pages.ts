import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Server } from '@hapi/hapi';
import { AppError } from '#appliance/kernel/errors.ts';
import { pagePolicy } from './headers.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.wav': 'audio/wav',
  '.txt': 'text/plain; charset=utf-8',
};
const COMPRESSIBLE = new Set(['.html', '.js', '.mjs', '.css', '.json', '.webmanifest', '.svg', '.wasm', '.txt']);
const MIN_COMPRESSED_BYTES = 1024;
const MAX_ALL_BYTES = 64 * 1024 * 1024;
const LOOK_AGAIN_MS = 2000;

type Encoding = 'br' | 'gzip';

interface Page {
  body: Buffer;
  type: string;
  etag: string;
  immutable: boolean;
  encoded: Partial<Record<Encoding, Promise<Buffer>>>;
  policy: string | undefined;
}

/** Serves the built user interface from memory: only files that were there exist, and unknown paths are the app's own. */
export function servePages(server: Server, { dir }: { dir: string }): void {
  let pages = new Map<string, Page>();
  let builtAt = 0;
  let lookedAt = 0;

  function look(): void {
    if (Date.now() - lookedAt < LOOK_AGAIN_MS) return;
    lookedAt = Date.now();
    const stamp = statSync(join(dir, 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (stamp === builtAt) return;
    pages = readPages(dir);
    builtAt = stamp;
  }

  server.route({
    method: 'GET',
    path: '/{path*}',
    options: { auth: false, plugins: { strongroom: { access: 'public' } } },
    handler: async (request, h) => {
      if (request.path.startsWith('/api/')) throw new AppError('not-found', 'not-found', 'There is no such route');
      look();
      const page = pages.get(request.path) ?? (isAppPath(request.path) ? pages.get('/index.html') : undefined);
      if (!page) {
        if (pages.size === 0)
          throw new AppError('unavailable', 'ui-missing', 'The user interface is not built: npm run ui:build');
        throw new AppError('not-found', 'not-found', 'There is no such page');
      }
      const encoding = chosenEncoding(request.headers['accept-encoding'], page);
      const body = encoding ? await encodedBody(page, encoding) : page.body;
      const response = h.response(body).type(page.type).header('vary', 'accept-encoding');
      response.etag(encoding ? `${page.etag}-${encoding}` : page.etag, { weak: false, vary: false });
      response.header('cache-control', page.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
      if (encoding) response.header('content-encoding', encoding);
      if (page.policy) response.header('content-security-policy', page.policy);
      return response;
    },
  });
}

function readPages(dir: string): Map<string, Page> {
  const pages = new Map<string, Page>();
  let total = 0;
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /\.(br|gz|map)$/.test(entry.name)) continue;
    const file = join(entry.parentPath, entry.name);
    const body = readFileSync(file);
    total += body.length;
    if (total > MAX_ALL_BYTES) throw new Error(`${dir} holds more than ${MAX_ALL_BYTES} bytes`);
    const path = `/${relative(dir, file).split(sep).join('/')}`;
    pages.set(path, pageOf(path, body, file));
  }
  return pages;
}

function pageOf(path: string, body: Buffer, file: string): Page {
  const html = path.endsWith('.html');
  return {
    body,
    type: TYPES[extname(path)] ?? 'application/octet-stream',
    etag: createHash('sha256').update(body).digest('base64url').slice(0, 22),
    immutable: path.includes('/immutable/'),
    encoded: { ...made('br', `${file}.br`), ...made('gzip', `${file}.gz`) },
    policy: html ? pagePolicy(inlineScriptHashes(body.toString('utf8'))) : undefined,
  };
}

/** What the build has compressed already is not compressed again. */
function made(encoding: Encoding, file: string): Partial<Record<Encoding, Promise<Buffer>>> {
  return statSync(file, { throwIfNoEntry: false }) ? { [encoding]: Promise.resolve(readFileSync(file)) } : {};
}

/** CSP Level 3 §6.7.3.3: the hash is of the text between the tags, exactly. */
export function inlineScriptHashes(html: string): string[] {
  const hashes: string[] = [];
  for (const [, attributes = '', text = ''] of html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/gi)) {
    if (/\bsrc\s*=/i.test(attributes) || text.trim() === '') continue;
    hashes.push(`sha256-${createHash('sha256').update(text).digest('base64')}`);
  }
  return hashes;
}

function chosenEncoding(header: unknown, page: Page): Encoding | undefined {
  const compressible =
    page.body.length >= MIN_COMPRESSED_BYTES && [...COMPRESSIBLE].some((end) => TYPES[end] === page.type);
  if (!compressible || typeof header !== 'string') return undefined;
  for (const encoding of ['br', 'gzip'] as const) {
    if (new RegExp(`(^|[,\\s])${encoding}\\s*(,|$|;\\s*q=(1|0\\.\\d*[1-9]))`, 'i').test(header)) return encoding;
  }
  return undefined;
}

function encodedBody(page: Page, encoding: Encoding): Promise<Buffer> {
  page.encoded[encoding] ??=
    encoding === 'br'
      ? promisify(brotliCompress)(page.body, {
          params: { [constants.BROTLI_PARAM_QUALITY]: 6, [constants.BROTLI_PARAM_SIZE_HINT]: page.body.length },
        })
      : promisify(gzip)(page.body);
  return page.encoded[encoding];
}

/** Routes of the app have no file name ending; a missing file must not become a page. */
function isAppPath(path: string): boolean {
  return !/\.[A-Za-z0-9]{1,12}$/.test(path) && !path.startsWith('/_app/');
}
