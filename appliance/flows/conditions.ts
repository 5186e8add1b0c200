import type { FlowCondition, Scalar } from '#appliance/contract/flow.ts';
import { asText, fill } from './template.ts';

/** Whether one comparison holds. Numbers are compared as numbers when both sides are numbers, otherwise as text. Pure. */
export function holds(condition: FlowCondition, lookUp: (name: string) => Scalar | undefined): boolean {
  const value = fill(condition.value, lookUp);
  const than = Array.isArray(condition.than)
    ? condition.than.map((item) => fill(item, lookUp))
    : typeof condition.than === 'string'
      ? fill(condition.than, lookUp)
      : asText(condition.than);
  const single = Array.isArray(than) ? (than[0] ?? '') : than;
  switch (condition.is) {
    case 'equal':
      return compare(value, single) === 0;
    case 'not-equal':
      return compare(value, single) !== 0;
    case 'less':
      return compare(value, single) < 0;
    case 'at-most':
      return compare(value, single) <= 0;
    case 'more':
      return compare(value, single) > 0;
    case 'at-least':
      return compare(value, single) >= 0;
    case 'one-of':
      return (Array.isArray(than) ? than : than.split(',')).some((item) => compare(value, item.trim()) === 0);
    case 'contains':
      return value.toLowerCase().includes(single.toLowerCase());
    case 'starts-with':
      return value.toLowerCase().startsWith(single.toLowerCase());
    case 'empty':
      return value === '';
    case 'not-empty':
      return value !== '';
  }
}

const NUMBER = /^-?[0-9]{1,15}(\.[0-9]{1,15})?$/;

function compare(a: string, b: string): number {
  // +49… and 0049… are no numbers to count with: only plain ones are.
  if (NUMBER.test(a) && NUMBER.test(b)) return Number(a) - Number(b);
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  return x < y ? -1 : x > y ? 1 : 0;
}

/**
 * The pattern of a gather step as a regular expression over the whole entry, or undefined when it is not in the safe subset:
 * digits, sets, groups of alternatives, bounded repetition of single characters; at most three repetitions, so that matching stays cheap.
 */
export function digitPattern(source: string): RegExp | undefined {
  const token = /\\[d*]|[0-9*#]|\[\^?[0-9*#-]+\]|\.|\((?:\?:)?|\)|\||\{[0-9]{1,2}(?:,[0-9]{0,2})?\}|[?+*]|\^|\$/y;
  let repetitions = 0;
  let last = '';
  let literal = '';
  for (let index = 0; index < source.length; index = token.lastIndex) {
    token.lastIndex = index;
    let found = token.exec(source)?.[0];
    if (!found) return undefined;
    const repeats = /^[?+{]/.test(found) || (found === '*' && isAtom(last));
    if (repeats) {
      // A repeated group can take exponential time; a repeated character cannot.
      if (!isAtom(last) || ++repetitions > 3) return undefined;
    } else if (found === '*') {
      if (last === ')' || last === 'repeat') return undefined;
      found = '\\*';
    }
    literal += found;
    last = repeats ? 'repeat' : found;
  }
  try {
    return new RegExp(`^(?:${literal})$`);
  } catch {
    return undefined;
  }
}

function isAtom(token: string): boolean {
  return /^(\\d|[0-9#.]|\[)/.test(token);
}
