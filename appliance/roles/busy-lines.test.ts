import { describe, expect, test } from 'vitest';
import { BusyLines } from './busy-lines.ts';

const leg = (
  state: 'trying' | 'ringing' | 'early' | 'up' | 'ended',
  direction: 'in' | 'out' = 'out',
  phoneId = 'p1',
) => ({
  ...{ id: 'leg', dialog: { callId: 'call', localTag: 'box', remoteTag: 'phone' }, direction, state, phoneId },
});

describe('who is busy', () => {
  test.each([
    ['a phone that is called', 'out', 'ringing', 'recipient', 'early'],
    ['and answers', 'out', 'up', 'recipient', 'confirmed'],
    ['a phone that dials', 'in', 'trying', 'initiator', 'trying'],
    ['and hears it ring', 'in', 'early', 'initiator', 'early'],
    ['and talks', 'in', 'up', 'initiator', 'confirmed'],
  ] as const)('%s', (_, direction, state, role, shown) => {
    const lines = new BusyLines({ extensionOf: () => '1001', exists: () => true });
    lines.changed(leg(state, direction));
    expect(lines.of('1001')).toEqual([
      { id: 'leg', dialog: { callId: 'call', localTag: 'phone', remoteTag: 'box' }, direction: role, state: shown },
    ]);
  });

  test('is told by extension; a phone that does not ring yet, and calls of trunks, are not', () => {
    let extension: string | undefined = '1001';
    const lines = new BusyLines({ extensionOf: () => extension, exists: () => true });
    const told: string[] = [];
    lines.onChange((which) => told.push(which));
    lines.changed(leg('trying'));
    lines.changed({ ...leg('up'), phoneId: undefined });
    expect(told).toEqual([]);
    lines.changed(leg('ringing'));
    extension = '1009';
    lines.changed(leg('up'));
    lines.changed(leg('ended'));
    lines.changed(leg('ended'));
    expect(told).toEqual(['1001', '1001', '1001']);
    expect(lines.of('1001')).toEqual([]);
  });
});
