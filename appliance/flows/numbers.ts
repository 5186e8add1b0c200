// Numbers as sequences of prompts, so that a recorded voice can say any of them. English and German put the parts in the same order.

const MOST = 999_999;

/** Names of the prompts that say `n`: `number.23`; `number.one`, `number.hundred`, `number.5`. Others are said digit by digit. */
export function sayNumber(n: number): string[] {
  if (!Number.isInteger(n) || n < 0 || n > MOST) return sayDigits(String(Math.abs(Math.trunc(n))));
  if (n < 100) return [`number.${n}`];
  if (n < 1000) return [...counted(Math.floor(n / 100)), 'number.hundred', ...rest(n % 100)];
  return [...counted(Math.floor(n / 1000)), 'number.thousand', ...rest(n % 1000)];
}

export function sayDigits(digits: string): string[] {
  return [...digits].flatMap((digit) => {
    if (/[0-9]/.test(digit)) return [`number.${digit}`];
    return digit === '*' ? ['digit.star'] : digit === '#' ? ['digit.pound'] : digit === '+' ? ['digit.plus'] : [];
  });
}

function rest(n: number): string[] {
  return n === 0 ? [] : sayNumber(n);
}

/** In front of hundred and thousand German says "ein", not "eins". */
function counted(n: number): string[] {
  return n === 1 ? ['number.one'] : sayNumber(n);
}
