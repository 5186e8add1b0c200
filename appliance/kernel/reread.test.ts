import { expect, test, vi } from 'vitest';
import { ManualClock } from './clock.ts';
import { createReread } from './reread.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what could not be read is read again until it could', async () => {
  const clock = new ManualClock();
  const read = vi.fn(async () => {});
  read.mockRejectedValueOnce(new Error('the database system is starting up'));
  read.mockRejectedValueOnce(new Error('the database system is starting up'));
  const failed = vi.fn();
  const reread = createReread({ clock, read, failed });
  reread();
  await turn();
  expect(failed).toHaveBeenCalledWith(expect.any(Error), 250);
  clock.advance(250);
  await turn();
  expect(failed).toHaveBeenLastCalledWith(expect.any(Error), 500);
  clock.advance(500);
  await turn();
  expect(read).toHaveBeenCalledTimes(3);
  clock.advance(60_000);
  await turn();
  expect(read).toHaveBeenCalledTimes(3);
});

test('what changes during a read is read once more; many changes are one read', async () => {
  let done = (): void => {};
  const read = vi.fn(() => new Promise<void>((resolve) => (done = resolve)));
  const reread = createReread({ clock: new ManualClock(), read });
  for (let i = 0; i < 5; i++) reread();
  expect(read).toHaveBeenCalledTimes(1);
  done();
  await turn();
  expect(read).toHaveBeenCalledTimes(2);
  done();
  await turn();
  expect(read).toHaveBeenCalledTimes(2);
});

test('after stop nothing is read any more', async () => {
  const clock = new ManualClock();
  const read = vi.fn(async () => Promise.reject(new Error('away')));
  const reread = createReread({ clock, read });
  reread();
  await turn();
  reread.stop();
  reread();
  clock.advance(60_000);
  expect(read).toHaveBeenCalledTimes(1);
});
