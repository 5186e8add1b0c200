import { describe, expect, it } from 'vitest';
import { uuidv7 } from '#appliance/kernel/ids.ts';
import { checkAgainstCall } from './check.ts';
import { rangeOf } from './range.ts';
import { isRecorded, type RecordingRule, ruleFor } from './rules.ts';

const rule = (id: string, more: Partial<RecordingRule> = {}): RecordingRule => ({
  id,
  queueId: null,
  trunkId: null,
  agentId: null,
  mode: 'always',
  percent: 100,
  announcement: null,
  position: 0,
  active: true,
  ...more,
});
const CALL = { queueId: 'q', trunkId: 't', agentId: 'a' };

describe('recording rules', () => {
  it.each<[string, RecordingRule[], string | undefined]>([
    ['none', [], undefined],
    ['one for all calls', [rule('1')], '1'],
    ['a trunk before all', [rule('1'), rule('2', { trunkId: 't' })], '2'],
    ['a queue before a trunk', [rule('1', { trunkId: 't' }), rule('2', { queueId: 'q' })], '2'],
    [
      'an agent before queue and trunk together',
      [rule('1', { trunkId: 't', queueId: 'q' }), rule('2', { agentId: 'a' })],
      '2',
    ],
    ['the lower position among equals', [rule('1', { position: 5 }), rule('2', { position: 1 })], '2'],
    ['nothing of another queue', [rule('1', { queueId: 'other' })], undefined],
    ['nothing that is switched off', [rule('1', { active: false })], undefined],
  ])('%s', (_, rules, id) => {
    expect(ruleFor(rules, CALL)?.id).toBe(id);
  });

  it('records the asked-for share, and of one interaction always the same', () => {
    const half = rule('1', { mode: 'percent', percent: 30 });
    const ids = Array.from({ length: 4000 }, () => uuidv7());
    const share = ids.filter((id) => isRecorded(half, id)).length / ids.length;
    expect(share).toBeGreaterThan(0.26);
    expect(share).toBeLessThan(0.34);
    expect(ids.map((id) => isRecorded(half, id))).toEqual(ids.map((id) => isRecorded({ ...half }, id)));
    expect(isRecorded(rule('1', { mode: 'percent', percent: 0 }), ids[0]!)).toBe(false);
    expect(isRecorded(rule('1', { mode: 'percent', percent: 100 }), ids[0]!)).toBe(true);
    expect(isRecorded(rule('1', { mode: 'never' }), ids[0]!)).toBe(false);
  });
});

describe('byte ranges', () => {
  it.each([
    [undefined, 'whole'],
    ['bytes=0-99', { start: 0, end: 99 }],
    ['bytes=100-', { start: 100, end: 999 }],
    ['bytes=-10', { start: 990, end: 999 }],
    ['bytes=-5000', { start: 0, end: 999 }],
    ['bytes=900-5000', { start: 900, end: 999 }],
    ['bytes=1000-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-2', 'whole'],
    ['bytes=0-1,5-6', 'whole'],
    ['chickens=0-1', 'whole'],
    ['bytes=-', 'whole'],
    [`bytes=${'9'.repeat(40)}-`, 'whole'],
  ])('%s', (header, expected) => {
    expect(rangeOf(header, 1000)).toEqual(expected);
  });
});

describe('a finished file against its call', () => {
  const startedAt = new Date('2026-01-05T09:00:00Z');
  const row = {
    startedAt,
    endedAt: new Date('2026-01-05T09:01:00Z'),
    layout: [{ stream: 1, leg: 'x', side: 'right' as const, agentId: null, from: '' }],
    pauses: [],
  };
  it.each<[string, Parameters<typeof checkAgainstCall>[0], Parameters<typeof checkAgainstCall>[1], string[]]>([
    ['as long as the call', row, { durationS: 59.5, silenceLeft: 0.4, silenceRight: 0.5 }, []],
    ['much too short', row, { durationS: 31, silenceLeft: 0.4, silenceRight: 0.5 }, ['length']],
    ['without the customer', row, { durationS: 60, silenceLeft: 1, silenceRight: 0.5 }, ['silent']],
    ['without the agent', row, { durationS: 60, silenceLeft: 0.1, silenceRight: 1 }, ['silent']],
    [
      'a message, where nobody answers',
      { ...row, layout: [] },
      { durationS: 60, silenceLeft: 0.1, silenceRight: 1 },
      [],
    ],
    [
      'short and silent',
      { ...row, endedAt: new Date('2026-01-05T09:00:05Z') },
      { durationS: 5, silenceLeft: 1, silenceRight: 1 },
      [],
    ],
    [
      'paused nearly all the time',
      {
        ...row,
        pauses: [
          { from: '2026-01-05T09:00:04Z', to: '2026-01-05T09:00:50Z', reason: 'a' },
          { from: '2026-01-05T09:00:05Z', to: '2026-01-05T09:00:59Z', reason: 'b' },
        ],
      },
      { durationS: 60, silenceLeft: 1, silenceRight: 1 },
      [],
    ],
  ])('%s', (_, call, file, wrong) => {
    const check = checkAgainstCall(call, file);
    expect(check.wrong.map(({ kind }) => kind)).toEqual(wrong);
    expect(check.silent).toBe(wrong.includes('silent'));
  });
});
