import { getLocale } from '#lib/paraglide/runtime.js';

/** "German" for `de`, in the person's language; what the browser does not know stays as it is. */
export function languageName(code: string): string {
  try {
    return new Intl.DisplayNames(getLocale(), { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}
