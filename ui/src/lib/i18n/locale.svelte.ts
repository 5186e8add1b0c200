import { getLocale, isLocale, type Locale, locales, setLocale } from '#lib/paraglide/runtime.js';

/** The language on screen. It changes without a reload: a reload would cut the call in this browser. */
class Language {
  #current = $state<Locale>(getLocale());
  #chosen = false;

  readonly all: readonly Locale[] = locales;

  get current(): Locale {
    return this.#current;
  }

  /** By somebody who has not signed in yet. */
  choose(locale: string): void {
    this.#chosen = true;
    this.show(locale);
  }

  /** The account's own language follows its person; one chosen at the sign-in just now stays and becomes the account's. */
  follow(account: string, save: (locale: Locale) => void): void {
    if (!this.#chosen) this.show(account);
    else if (account !== this.#current) save(this.#current);
    this.#chosen = false;
  }

  show(locale: string): void {
    if (!isLocale(locale)) return;
    void setLocale(locale, { reload: false });
    document.documentElement.lang = locale;
    this.#current = locale;
  }

  nameOf(locale: Locale): string {
    const name = new Intl.DisplayNames([locale], { type: 'language' }).of(locale) ?? locale;
    return name.charAt(0).toLocaleUpperCase(locale) + name.slice(1);
  }
}

export const language = new Language();
