import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { expect, it } from 'vitest';

/** The promise is 250 kB; what the API answers and the head of every answer need their share of it. */
const MOST_BYTES = 215_000;
const HERE = import.meta.dirname;
const BUILT = join(HERE, '.svelte-kit/output/client');
/** In the order in which an agent's browser asks: the page, then the phone of this browser, then the bar of a call. */
const NEEDED = ['client/entry.js', 'client/payload.js', 'client-optimized/app.js', 'nodes/0.js', 'nodes/2.js'];
const SOON = ['jssip/lib/JsSIP.js', 'work/CallBar.svelte'];

interface Part {
  file: string;
  css?: string[];
  imports?: string[];
}

it.runIf(existsSync(join(BUILT, '.vite/manifest.json')))('an agent is ready to work after less than 250 kB', () => {
  const manifest: Record<string, Part> = JSON.parse(readFileSync(join(BUILT, '.vite/manifest.json'), 'utf8'));
  const names = Object.keys(manifest);
  const files = new Set<string>();
  const take = (name: string | undefined) => {
    const part = manifest[name ?? ''];
    if (!part) throw new Error(`the build has no ${name}`);
    if (files.has(part.file)) return;
    for (const file of [part.file, ...(part.css ?? [])]) files.add(file);
    part.imports?.forEach(take);
  };
  for (const end of NEEDED) take(names.find((name) => name.endsWith(end)));
  take(
    names.find(
      (name) => /nodes\/\d+\.js$/.test(name) && readFileSync(join(HERE, name), 'utf8').includes('(desk)/agent/'),
    ),
  );
  for (const end of SOON) take(names.find((name) => name.endsWith(end)));
  const latin = names.find((name) => name.endsWith('inter-latin-wght-normal.woff2'));
  files.add(manifest[latin ?? '']!.file);

  const sizes = [...files].map((file) => [file, servedBytes(file)] as const).toSorted((a, b) => b[1] - a[1]);
  const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
  expect(
    total,
    sizes
      .slice(0, 12)
      .map((size) => size.join(' '))
      .join('\n'),
  ).toBeLessThan(MOST_BYTES);
  // Every file costs a question and an answer with a head of its own.
  expect(files.size).toBeLessThan(45);
});

/** As the box sends it: what the build has laid beside it, or compressed once by the box. */
function servedBytes(file: string): number {
  if (file.endsWith('.woff2')) return statSync(join(BUILT, file)).size;
  const made = join(HERE, 'build', `${file}.br`);
  if (existsSync(made)) return statSync(made).size;
  return brotliCompressSync(readFileSync(join(BUILT, file)), { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } })
    .length;
}
