import { expect, it } from 'vitest';
import { eventDetail } from './event-words.ts';

const nobody = () => undefined;

it('ids that nobody knows are left out', () =>
  expect(eventDetail({ ruleId: '01a20524-f202-7471-b6aa-23aa8c0a2519' }, nobody)).toBe(''));
it('ids of people become their names', () =>
  expect(eventDetail({ by: '01a20524-f202-7471-b6aa-23aa8c0a2519', mode: 'listen' }, () => 'Sam')).toBe(
    'Sam · listen',
  ));
it('a step of a flow reads as the way it took', () => {
  const step = { step: 'menu', type: 'menu', name: 'Main menu', edge: 'choices.2', to: 'support', ms: 3200 };
  expect(eventDetail(step, nobody)).toBe('Main menu · 2 → support · 0:03');
  expect(eventDetail({ step: 'greeting', type: 'play', edge: 'next', to: 'menu' }, nobody)).toBe('greeting · → menu');
});
it('a change is from and to', () => expect(eventDetail({ before: 5, priority: 8 }, nobody)).toBe('5 → 8'));
it('numbers get their units', () =>
  expect(eventDetail({ mos: 4.39, lossPct: 0, jitterMs: 0.91, durationS: 4.014 }, nobody)).toBe(
    'MOS 4.4 · loss 0 % · jitter 0.9 ms · 0:04',
  ));
