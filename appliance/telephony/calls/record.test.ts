import { expect, test } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { LegRecord, Soon } from './record.ts';
import type { LegRow } from './store.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

function open() {
  const clock = new ManualClock();
  const did: string[] = [];
  const commits: (() => void)[] = [];
  let version = 0;
  const record = new LegRecord({
    store: {
      save: (row) => {
        did.push(`save ${row.tag.version}`);
        return new Promise((resolve) => commits.push(resolve));
      },
      remove: async (id) => void did.push(`remove ${id}`),
    },
    row: () => ({ id: 'a', tag: { version } }) as unknown as LegRow,
    soon: new Soon(clock),
    exists: false,
    failed: (error) => did.push(`${error}`),
  });
  const change = () => {
    version++;
  };
  const commit = async () => {
    commits.shift()?.();
    await settled();
  };
  return { clock, did, record, change, commit };
}

test('changes of one moment are one write, with the last of them', async () => {
  const { did, record, change, commit } = open();
  change();
  const first = record.save();
  change();
  const second = record.save();
  await settled();
  expect(did).toEqual(['save 2']);
  await commit();
  await Promise.all([first, second]);
});

test('a write waits for the one before it', async () => {
  const { did, record, change, commit } = open();
  record.keep();
  await settled();
  change();
  record.keep();
  await settled();
  expect(did).toEqual(['save 0']);
  await commit();
  expect(did).toEqual(['save 0', 'save 1']);
});

test('what can wait rides with what cannot', async () => {
  const { clock, did, record, change } = open();
  record.touch();
  change();
  clock.advance(14);
  await settled();
  expect(did).toEqual([]);
  record.keep();
  clock.advance(100);
  await settled();
  expect(did).toEqual(['save 1']);
});

test('a row goes after its last write, and a leg that was never written leaves nothing', async () => {
  const { clock, did, record, commit } = open();
  record.keep();
  await settled();
  record.remove();
  record.touch();
  record.keep();
  clock.advance(25);
  await settled();
  expect(did).toEqual(['save 0']);
  await commit();
  expect(did).toEqual(['save 0', 'remove a']);
  const other = open();
  other.record.touch();
  other.record.remove();
  other.clock.advance(100);
  await settled();
  expect(other.did).toEqual([]);
});
