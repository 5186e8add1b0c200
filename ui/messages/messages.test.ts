import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const read = (file: string): Record<string, string> =>
  JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8'));
const base = read('en.json');
const others = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.json') && file !== 'en.json');
const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([hole]) => hole).toSorted();

describe.each(others)('%s', (file) => {
  const texts = read(file);
  it('says everything that English says, and nothing else', () =>
    expect(Object.keys(texts).toSorted()).toEqual(Object.keys(base).toSorted()));
  it('leaves nothing empty', () => expect(Object.entries(texts).filter(([, text]) => !text.trim())).toEqual([]));
  it('fills the same places', () =>
    expect(Object.entries(texts).filter(([key, text]) => holes(text).join() !== holes(base[key] ?? '').join())).toEqual(
      [],
    ));
});

it('holds no text that no page uses', () => {
  const sources = readdirSync(join(import.meta.dirname, '../src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(svelte|ts)$/.test(file) && !file.includes('paraglide'))
    .map((file) => readFileSync(join(import.meta.dirname, '../src', file), 'utf8'))
    .join('\n');
  const used = new Set([...sources.matchAll(/\bm\.(\w+)/g)].map(([, key]) => key));
  expect(Object.keys(base).filter((key) => !used.has(key))).toEqual([]);
});
