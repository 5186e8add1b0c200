import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A language is one file in `messages/` and nothing else: what paraglide has to be told is written from the folder. What a
 * file does not say is said in English.
 */
export function findLanguages(folder: string): string[] {
  const file = join(folder, 'project.inlang/settings.json');
  const settings = JSON.parse(readFileSync(file, 'utf8')) as { baseLocale: string; locales: string[] };
  const found = readdirSync(join(folder, 'messages')).flatMap(
    (name) => /^([a-z]{2,3}(?:-[A-Za-z]{2,4})?)\.json$/.exec(name)?.[1] ?? [],
  );
  const others = found.filter((locale) => locale !== settings.baseLocale).sort();
  const locales = [settings.baseLocale, ...others];
  if (JSON.stringify(locales) === JSON.stringify(settings.locales)) return locales;
  const inline = `[${locales.map((locale) => JSON.stringify(locale)).join(', ')}]`;
  writeFileSync(file, readFileSync(file, 'utf8').replace(/("locales":\s*)\[[^\]]*\]/, `$1${inline}`));
  return locales;
}

if (process.argv[1] === import.meta.filename) findLanguages(import.meta.dirname);
