import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Adapter } from '@sveltejs/kit';

/**
 * Moves SvelteKit's boot script out of index.html into a file, so that the page works under
 * `script-src 'self'` and the server needs no hash that changes with every build.
 */
export function withoutInlineScript(adapter: Adapter, folder: string): Adapter {
  return {
    ...adapter,
    async adapt(builder) {
      await adapter.adapt(builder);
      const page = join(import.meta.dirname, folder, 'index.html');
      const html = readFileSync(page, 'utf8').replace(/<script>([\s\S]*?)<\/script>/g, (_, code: string) => {
        const hash = createHash('sha256').update(code).digest('hex').slice(0, 10);
        const path = `/_app/immutable/boot-${hash}.js`;
        writeFileSync(join(import.meta.dirname, folder, path), code.replace(/^\t+/gm, ''));
        return `<script src="${path}"></script>`;
      });
      writeFileSync(page, html);
    },
  };
}
