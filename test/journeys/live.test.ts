import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Instance } from '#test/support/instance.ts';
import { Floor } from '../calls/support/floor.ts';
import { Browser, look } from './support/browser.ts';

let instance: Instance;
let floor: Floor;
let chrome: Browser;
let page: Page;

beforeAll(async () => {
  instance = await new Instance(28_000).start();
  floor = new Floor(instance);
  chrome = await Browser.open(instance);
  page = await chrome.signIn('sam', instance.firstRun.users.sam!.password);
});
afterAll(async () => {
  await chrome?.close();
  await instance?.stop();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await look(page, `failed ${task.name}`);
  await floor?.clear();
  expect(chrome?.problems.splice(0)).toEqual([]);
});

const row = (section: 'Queues' | 'Agents', name: string) =>
  page
    .locator('section', { has: page.getByRole('heading', { name: section }) })
    .getByRole('row')
    .filter({ hasText: name });
/** Name, state, waiting. */
const waiting = (queue: string) => row('Queues', queue).getByRole('cell').nth(2);

/** Milliseconds until the page says so, from now on. */
async function shownAfter(there: Locator): Promise<number> {
  const since = performance.now();
  await there.waitFor({ timeout: 5000 });
  return performance.now() - since;
}

describe('a supervisor at the live page', () => {
  it('sees a caller wait, an agent become ready and talk, each within a second', async () => {
    await page.getByRole('link', { name: 'Live' }).click();
    await row('Queues', 'Sales').waitFor();
    expect(await look(page, 'live-quiet')).toEqual([]);
    const bobPhone = await floor.deskPhone('bob', { says: 900 });
    const caller = await floor.caller('+15557001', { says: 600 });
    caller.call('+15550101');
    await caller.until('CALL_ESTABLISHED');
    expect(await shownAfter(waiting('Sales').getByText('1', { exact: true }))).toBeLessThan(1000);
    expect(await look(page, 'live-waiting')).toEqual([]);

    const bob = await floor.ready('bob');
    expect(await shownAfter(row('Agents', 'Bob').getByText(/Ready|Ringing|Offered/))).toBeLessThan(1000);
    await bobPhone.until('CALL_INCOMING');
    bobPhone.answer();
    await bobPhone.until('CALL_ESTABLISHED');
    expect(await shownAfter(row('Agents', 'Bob').getByText('On a call'))).toBeLessThan(1000);
    expect(await look(page, 'live-talking')).toEqual([]);
    await bob.put('/me/presence', { state: 'not-ready' });
    caller.hangUp();
    await bobPhone.until('CALL_CLOSED');
    expect(await shownAfter(row('Agents', 'Bob').getByText('Wrap-up'))).toBeLessThan(1000);
  });

  it('is told since when the page is late, and reads again what has happened meanwhile', async () => {
    const caller = await floor.caller('+15557002', { says: 600 });
    caller.call('+15550101');
    await waiting('Sales').getByText('1', { exact: true }).waitFor();

    instance.killRole('web');
    const state = page.getByRole('status').filter({ hasText: /^\s*No connection since \d\d:\d\d:\d\d\s*$/ });
    expect(await shownAfter(state)).toBeLessThan(2000);
    await page.locator('.stale').first().waitFor();
    expect(await look(page, 'live-cut')).toEqual([]);
    // Nobody is told by the box what happens now.
    caller.hangUp();
    await page
      .getByRole('status')
      .filter({ hasText: /^\s*Live\s*$/ })
      .waitFor({ timeout: 20_000 });
    await waiting('Sales').getByText('0', { exact: true }).waitFor({ timeout: 2000 });
    expect(await page.locator('.stale').count()).toBe(0);
    // The browser itself notes that nobody answered for a while; that is all it may have noted.
    expect(chrome.problems.splice(0).filter((problem) => !/ERR_CONNECTION_REFUSED|WebSocket/.test(problem))).toEqual(
      [],
    );
  });
});
