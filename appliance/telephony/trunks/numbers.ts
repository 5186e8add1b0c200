// Numbers as trunks write them, and as the house keeps them: E.164 with +, internal numbers and names as they came.
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';

/** How a trunk writes public numbers: +4930123456, 4930123456, or as dialled within its country. */
export type NumberFormat = 'plus' | 'e164' | 'national';

export interface NumberRules {
  country: string | null;
  format: NumberFormat;
}

/** Longest number that is surely internal: extensions, short codes, emergency numbers. */
const SHORT = 6;

/** To E.164 with +; what is no public number is left as it came. */
export function toE164(written: string, rules: NumberRules): string {
  const text = written.trim().replace(/^tel:/i, '').slice(0, 64);
  const country = countryOf(rules.country);
  if (/^\+[\d\s\-()./]{2,40}$/.test(text)) return parsed(text) ?? text.replace(/[^\d+]/g, '');
  if (!/^[\d\s\-()./]+$/.test(text)) return text;
  const digits = text.replace(/\D/g, '');
  if (digits.length <= SHORT) return digits;
  // A foreign number of a carrier that never writes +, unless it shows a prefix of dialling.
  if (rules.format === 'e164' && !digits.startsWith('0')) return parsed(`+${digits}`) ?? `+${digits}`;
  if (country) {
    const number = parsed(text, country);
    if (number) return number;
  }
  return digits.startsWith('00') && digits.length > 9 ? `+${digits.slice(2)}` : digits;
}

/** The way a trunk wants to see a number that is kept in E.164; internal numbers stay. */
export function fromE164(number: string, rules: NumberRules): string {
  if (!number.startsWith('+')) return number;
  switch (rules.format) {
    case 'plus':
      return number;
    case 'e164':
      return number.slice(1);
    case 'national': {
      const country = countryOf(rules.country);
      const known = parsePhoneNumberFromString(number);
      if (!country || !known) return number;
      if (known.country === country || known.countryCallingCode === callingCodeOf(country))
        return known.format('NATIONAL').replace(/\D/g, '');
      return known.format('IDD', { fromCountry: country }).replace(/\D/g, '');
    }
  }
}

/** `anonymous`, `Anonymous`, `unknown`, empty: nobody says who calls. */
export function isAnonymous(user: string): boolean {
  return user === '' || /^(anonymous|unknown|unavailable|restricted|private)$/i.test(user);
}

function parsed(text: string, country?: CountryCode): string | undefined {
  const number = country ? parsePhoneNumberFromString(text, country) : parsePhoneNumberFromString(text);
  return number?.isPossible() ? number.number : undefined;
}

function countryOf(country: string | null): CountryCode | undefined {
  return country && isSupportedCountry(country) ? (country as CountryCode) : undefined;
}

function callingCodeOf(country: CountryCode): string | undefined {
  return parsePhoneNumberFromString('0123456789', country)?.countryCallingCode;
}
