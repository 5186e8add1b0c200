// A number is shown in groups that can be read aloud, without a table of all countries on the first load.

/** +15550100 → +1 555 0100; extensions and addresses stay as they are. */
export function readable(address: string | null | undefined): string {
  if (!address) return '';
  const text = address.replace(/^(sips?|tel):/, '').replace(/@.*$/, '');
  if (!/^\+?\d+$/.test(text) || text.length < 6) return text;
  const plus = text.startsWith('+');
  const digits = plus ? text.slice(1) : text;
  const country = plus ? countryLength(digits) : 0;
  const groups = country > 0 ? [digits.slice(0, country)] : [];
  let rest = digits.slice(country);
  while (rest.length > 4) {
    groups.push(rest.slice(0, 3));
    rest = rest.slice(3);
  }
  if (rest) groups.push(rest);
  return (plus ? '+' : '') + groups.join(' ');
}

// ITU-T E.164: the first digits decide how long the country code is; these are the two-digit ones.
const TWO_DIGITS = /^(2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/;

function countryLength(digits: string): number {
  if (/^[17]/.test(digits)) return 1;
  return TWO_DIGITS.test(digits) ? 2 : 3;
}
