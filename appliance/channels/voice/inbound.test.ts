import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { IncomingCall } from '#appliance/telephony/calls/index.ts';
import type { VoiceDeps } from './deps.ts';
import { createInbound } from './inbound.ts';

const did = { number: '+15550101', target: { kind: 'queue' as const, queueId: 'sales' }, language: 'en' };
const incoming = { leg: { from: { number: '+15550199' } }, forwarded: [] } as unknown as IncomingCall;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function inbound(open: () => Promise<{ id: string }>) {
  const end = vi.fn(async () => {});
  const deps = {
    customers: { findOrCreate: async () => ({ id: 'c', name: null, known: false }) },
    interactions: { open, end, event: vi.fn() },
  } as unknown as VoiceDeps;
  return { end, take: createInbound(deps, {} as Parameters<typeof createInbound>[1]).take };
}

test('a call that is not committed in time is given up, so that the caller can try elsewhere; committed late it is in the books as refused', async () => {
  const opened = Promise.withResolvers<{ id: string }>();
  const { take, end } = inbound(() => opened.promise);
  const taken = expect(take(incoming, did)).rejects.toThrow('not committed in time');
  await vi.advanceTimersByTimeAsync(4000);
  await taken;
  expect(end).not.toHaveBeenCalled();
  opened.resolve({ id: 'late' });
  await vi.advanceTimersByTimeAsync(0);
  expect(end).toHaveBeenCalledExactlyOnceWith('late', { reason: 'refused' });
});

test('a call that the database refuses is given up at once, and leaves nothing', async () => {
  const { take, end } = inbound(async () => Promise.reject(new Error('away')));
  await expect(take(incoming, did)).rejects.toThrow('away');
  expect(end).not.toHaveBeenCalled();
});
