import { describe, expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { digitPattern, holds } from './conditions.ts';
import { DigitInput } from './digits.ts';
import { HostGone } from './host.ts';

const OPTIONS = { max: 4, terminator: '#', firstTimeoutMs: 5000, betweenTimeoutMs: 2000 };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('digits of a caller', () => {
  it('takes what was typed ahead and stops at the terminator', async () => {
    const input = new DigitInput(new ManualClock());
    for (const digit of '12#34') input.push(digit);
    await expect(input.gather(OPTIONS)).resolves.toEqual({ digits: '12', end: 'terminator' });
    input.push('5');
    input.push('6');
    await expect(input.gather(OPTIONS)).resolves.toEqual({ digits: '3456', end: 'max' });
  });

  it('waits long for the first digit and shorter between digits', async () => {
    const clock = new ManualClock();
    const input = new DigitInput(clock);
    const gathered = input.gather(OPTIONS);
    clock.advance(4999);
    input.push('7');
    await turn();
    clock.advance(2000);
    await expect(gathered).resolves.toEqual({ digits: '7', end: 'timeout' });
  });

  it('lets a prompt listen for some digits without taking them', async () => {
    const input = new DigitInput(new ManualClock());
    const heard = input.oneOf('12');
    input.push('9');
    input.push('2');
    await expect(heard).resolves.toBe('digit');
    await expect(input.gather({ ...OPTIONS, max: 1 })).resolves.toEqual({ digits: '2', end: 'max' });
  });

  it('lets two listen at once', async () => {
    const clock = new ManualClock();
    const input = new DigitInput(clock);
    const abort = new AbortController();
    const heard = input.oneOf('1', abort.signal);
    const gathered = input.gather(OPTIONS);
    abort.abort();
    await expect(heard).resolves.toBe('aborted');
    clock.advance(5000);
    await expect(gathered).resolves.toEqual({ digits: '', end: 'timeout' });
  });

  it('tells everybody who waits that the caller is gone', async () => {
    const input = new DigitInput(new ManualClock());
    const gathered = input.gather(OPTIONS);
    input.end();
    await expect(gathered).rejects.toBeInstanceOf(HostGone);
    await expect(input.oneOf('1')).rejects.toBeInstanceOf(HostGone);
  });

  it('keeps no more than 32 digits and nothing that is no digit', async () => {
    const input = new DigitInput(new ManualClock());
    for (let index = 0; index < 1000; index++) input.push('1');
    input.push('x');
    const { digits } = await input.gather({ ...OPTIONS, max: 32 });
    expect(digits).toBe('1'.repeat(32));
  });
});

describe('patterns of digits', () => {
  it.each([
    ['[0-9]{5}', '12345', true],
    ['[0-9]{5}', '1234', false],
    ['49\\d{8,10}', '4912345678', true],
    ['(1|2)0*', '2000', true],
    ['*1', '*1', true],
    ['12|34', '34', true],
    ['12|34', '1234', false],
  ])('%s on %s', (pattern, digits, matches) => {
    expect(digitPattern(pattern)?.test(digits)).toBe(matches);
  });

  it.each(['(1+)+', '(1*)*', '(11)*', '1{2}{3}', '[a-z]', '\\w', '(?=1)', '1+1+1+1+1+', '(', '[9-0]', '1**'])(
    'refuses %s',
    (pattern) => {
      expect(digitPattern(pattern)).toBeUndefined();
    },
  );
});

describe('conditions', () => {
  const values: Record<string, string | number | null> = { n: 12, text: 'Gold', empty: null, phone: '+4930123' };
  it.each([
    ['{{n}}', 'less', 100, true],
    ['{{n}}', 'more', '9', true],
    ['{{text}}', 'equal', 'gold', true],
    ['{{text}}', 'one-of', ['silver', 'gold'], true],
    ['{{text}}', 'one-of', 'silver, gold', true],
    ['{{phone}}', 'starts-with', '+49', true],
    ['{{phone}}', 'contains', '999', false],
    ['{{empty}}', 'empty', undefined, true],
    ['{{unknown}}', 'not-empty', undefined, false],
    ['{{n}}', 'not-equal', 12, false],
    ['{{n}}', 'at-most', 12, true],
    ['{{n}}', 'at-least', 13, false],
  ] as const)('%s %s %s', (value, is, than, expected) => {
    expect(holds({ value, is, ...(than !== undefined && { than: than as string }) }, (name) => values[name])).toBe(
      expected,
    );
  });
});
