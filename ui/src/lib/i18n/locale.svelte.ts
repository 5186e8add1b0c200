import { getLocale, isLocale, type Locale, locales, setLocale } from '#lib/paraglide/runtime.js';

const CHOSEN = 'PARAGLIDE_LOCALE';

/** The language on screen. It changes without a reload: a reload would cut the call in this browser. */
class Language {
  #current = $state<Locale>(getLocale());

  readonly all: readonly Locale[] = locales;

  get current(): Locale {
    return this.#current;
  }

  choose(locale: string): void {
    if (!isLocale(locale)) return;
    void setLocale(locale, { reload: false });
    document.documentElement.lang = locale;
    this.#current = locale;
  }

  /** The language of the account, unless this browser has been told another one. */
  suggest(locale: string | null): void {
    if (locale && !localStorage.getItem(CHOSEN)) this.choose(locale);
  }

  nameOf(locale: Locale): string {
    const name = new Intl.DisplayNames([locale], { type: 'language' }).of(locale) ?? locale;
    return name.charAt(0).toLocaleUpperCase(locale) + name.slice(1);
  }
}

export const language = new Language();
