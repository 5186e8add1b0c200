import { expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { DigitBuffer } from './digits.ts';

const rules = { max: 4, terminator: '#', firstTimeoutMs: 5000, betweenTimeoutMs: 2000 };
const press = (buffer: DigitBuffer, digits: string) => {
  for (const digit of digits) buffer.push(digit);
};

it('takes digits typed before anybody asked', async () => {
  const buffer = new DigitBuffer(new ManualClock());
  press(buffer, '12#');
  expect(await buffer.gather(rules)).toEqual({ digits: '12', end: 'terminator' });
});

it('ends at the longest input and keeps the rest for the next question', async () => {
  const buffer = new DigitBuffer(new ManualClock());
  const result = buffer.gather(rules);
  press(buffer, '98765');
  expect(await result).toEqual({ digits: '9876', end: 'max' });
  expect(buffer.typedAhead('5')).toBe(true);
});

it('ends after silence, first longer than between digits', async () => {
  const clock = new ManualClock();
  const buffer = new DigitBuffer(clock);
  const nothing = buffer.gather(rules);
  clock.advance(5000);
  expect(await nothing).toEqual({ digits: '', end: 'timeout' });
  const one = buffer.gather(rules);
  clock.advance(4900);
  buffer.push('3');
  clock.advance(2000);
  expect(await one).toEqual({ digits: '3', end: 'timeout' });
});

it('tells of a digit pressed during a prompt and still gives it to the next question', async () => {
  const buffer = new DigitBuffer(new ManualClock());
  const heard: string[] = [];
  const off = buffer.onPressed((digit) => heard.push(digit));
  buffer.push('1');
  off();
  buffer.push('2');
  expect(heard).toEqual(['1']);
  expect(await buffer.gather({ ...rules, max: 2 })).toEqual({ digits: '12', end: 'max' });
});
