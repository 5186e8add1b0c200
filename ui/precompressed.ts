import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import type { Adapter } from '@sveltejs/kit';

const COMPRESSIBLE = new Set(['.html', '.js', '.css', '.json', '.svg']);
/** Below this a packet is a packet. */
const MIN_BYTES = 1024;

/** Lays a `.br` beside every file, as small as it gets: the box serves them as they are (appliance/http/pages.ts). */
export function precompressed(adapter: Adapter, folder: string): Adapter {
  return {
    ...adapter,
    async adapt(builder) {
      await adapter.adapt(builder);
      const files = readdirSync(join(import.meta.dirname, folder), { recursive: true, withFileTypes: true })
        .filter((file) => file.isFile() && COMPRESSIBLE.has(extname(file.name)))
        .map((file) => join(file.parentPath, file.name));
      await Promise.all(files.map(compress));
    },
  };
}

async function compress(file: string): Promise<void> {
  const body = readFileSync(file);
  if (body.length < MIN_BYTES) return;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
  };
  writeFileSync(`${file}.br`, await promisify(brotliCompress)(body, { params }));
}
