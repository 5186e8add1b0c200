import { expect, it } from 'vitest';
import { eventDetail } from './event-words.ts';

const nobody = () => undefined;

it('ids that nobody knows are left out', () =>
  expect(eventDetail({ ruleId: '01a20524-f202-7471-b6aa-23aa8c0a2519' }, nobody)).toBe(''));
it('ids of people become their names', () =>
  expect(eventDetail({ by: '01a20524-f202-7471-b6aa-23aa8c0a2519', mode: 'listen' }, () => 'Sam')).toBe(
    'Sam · listen',
  ));
it('a change is from and to', () => expect(eventDetail({ before: 5, priority: 8 }, nobody)).toBe('5 → 8'));
it('numbers get their units', () =>
  expect(eventDetail({ mos: 4.39, lossPct: 0, jitterMs: 0.91, durationS: 4.014 }, nobody)).toBe(
    'MOS 4.4 · loss 0 % · jitter 0.9 ms · 0:04',
  ));
