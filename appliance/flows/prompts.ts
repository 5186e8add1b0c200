import type { Readable } from 'node:stream';
import type { SayItem } from '#appliance/contract/flow.ts';
import { AppError, messageOf } from '#appliance/kernel/errors.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Database } from '#appliance/platform/postgres/index.ts';
import { durationOf, levelled, SPEECH_DB } from './audio.ts';
import { convertUpload } from './convert.ts';
import type { PlayItem } from './host.ts';
import { sayDigits, sayNumber } from './numbers.ts';
import { promptFiles } from './prompt-files.ts';
import { type PromptRow, promptStore } from './prompt-store.ts';
import type { LookUp } from './run-state.ts';
import { speak } from './speech.ts';
import { fill } from './template.ts';

/** Prompts without words are the same in every language. */
export const NO_LANGUAGE = '*';

export type Prompts = ReturnType<typeof createPrompts>;

/** What callers hear: recorded, spoken by the box, or made by it. */
export function createPrompts({ db, dir, log }: { db: Database; dir: string; log: Log }) {
  const store = promptStore(db);
  const files = promptFiles(dir);
  let rows = new Map<string, PromptRow[]>();

  /** The row for a language: the exact one, its main language, a sound without words, English, any. */
  function find(name: string, language: string): PromptRow | undefined {
    const candidates = rows.get(name) ?? [];
    const wanted = [language, language.slice(0, 2), NO_LANGUAGE, 'en'];
    for (const one of wanted) {
      const row = candidates.find((candidate) => candidate.language === one);
      if (row) return row;
    }
    return candidates[0];
  }

  function itemOf(name: string, language: string): PlayItem | undefined {
    const row = find(name, language);
    return row && { media: row.media, text: row.text ?? row.name };
  }

  async function spoken(text: string, language: string): Promise<PlayItem> {
    const media = await files.once(`${language}\n${text}`, () => speak(text, language));
    return { media, text };
  }

  async function sayAll(names: string[], whole: string, language: string): Promise<PlayItem[]> {
    const inLanguage = names.every((name) =>
      [language, language.slice(0, 2)].includes(find(name, language)?.language ?? ''),
    );
    return inLanguage
      ? names.flatMap((name) => itemOf(name, language) ?? [])
      : whole === ''
        ? []
        : [await spoken(whole, language)];
  }

  async function itemsOf(item: SayItem, language: string, lookUp: LookUp): Promise<PlayItem[]> {
    if ('prompt' in item) {
      const found = itemOf(item.prompt, language);
      if (!found) log.warn({ prompt: item.prompt }, 'a flow plays a prompt that does not exist');
      return found ? [found] : [];
    }
    if ('text' in item) {
      const text =
        typeof item.text === 'string'
          ? item.text
          : (item.text[language] ?? item.text[language.slice(0, 2)] ?? Object.values(item.text)[0] ?? '');
      const filled = fill(text, lookUp).trim().slice(0, 2000);
      return filled === '' ? [] : [await spoken(filled, language)];
    }
    if ('number' in item) {
      const text = fill(item.number, lookUp).trim();
      return /^-?[0-9]{1,9}$/.test(text) && Number(text) >= 0
        ? sayAll(sayNumber(Number(text)), text, language)
        : text === ''
          ? []
          : [await spoken(text, language)];
    }
    const digits = fill(item.digits, lookUp)
      .replace(/[^0-9*#+]/g, '')
      .slice(0, 64);
    return sayAll(sayDigits(digits), [...digits].join(' '), language);
  }

  return {
    store,
    files,

    /** Reads the names and languages into memory; calls are served from there, also while the database is away. */
    async load(): Promise<void> {
      const fresh = new Map<string, PromptRow[]>();
      for (const row of await store.all()) fresh.set(row.name, [...(fresh.get(row.name) ?? []), row]);
      rows = fresh;
    },

    /** One prompt by name; undefined when there is none of that name in any language. */
    item: itemOf,

    /** The prompt with that id, or its translation: screens choose one row, callers speak several languages. */
    chosen(id: string, language: string): PlayItem | undefined {
      for (const list of rows.values())
        for (const row of list)
          if (row.id === id)
            return language === NO_LANGUAGE
              ? { media: row.media, text: row.text ?? row.name }
              : itemOf(row.name, language);
      return undefined;
    },

    /** Media names of prompts, for `Leg.play`; unknown ones are left out. */
    media: (names: string[], language: string): string[] =>
      names.flatMap((name) => itemOf(name, language)?.media ?? []),

    /** What a step says, as sound. What cannot be spoken is left out: a call goes on without it. */
    async say(items: SayItem[], language: string, lookUp: LookUp): Promise<PlayItem[]> {
      const parts = await Promise.all(
        items.map((item) =>
          itemsOf(item, language, lookUp).catch((error) => {
            log.warn({ error: messageOf(error), language }, 'something could not be spoken');
            return [];
          }),
        ),
      );
      return parts.flat();
    },

    /** Names with their languages, for validation. */
    names(): Map<string, Set<string>> {
      return new Map([...rows].map(([name, list]) => [name, new Set(list.map(({ language }) => language))]));
    },

    /** Fields of a row for a text spoken by the box. */
    async speak(text: string, language: string): Promise<{ media: string; durationS: number; source: 'speech' }> {
      if (language === NO_LANGUAGE)
        throw new AppError(
          'invalid',
          'language-missing',
          'A text is spoken in a language: choose one, such as en or de.',
        );
      const samples = await speak(text, language);
      return { media: await files.keep(samples), durationS: durationOf(samples), source: 'speech' };
    },

    /** Fields of a row for an uploaded recording, brought to the level of all prompts. */
    async convert(upload: Readable | Buffer): Promise<{ media: string; durationS: number; source: 'upload' }> {
      const samples = levelled(await convertUpload(upload), SPEECH_DB);
      return { media: await files.keep(samples), durationS: durationOf(samples), source: 'upload' };
    },

    /** Files that no prompt and no call has used for a week. */
    async sweep(): Promise<number> {
      const inUse = new Set((await store.all()).map(({ media }) => media));
      return files.sweep(inUse, 7 * 86_400_000);
    },
  };
}
