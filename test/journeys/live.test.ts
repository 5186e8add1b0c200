import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { InteractionTrace } from '#appliance/contract/work.ts';
import { Instance } from '#test/support/instance.ts';
import { Floor } from '../calls/support/floor.ts';
import { Browser, hears, look } from './support/browser.ts';

const CALLER = 600;
const BOB = 900;
/** What the supervisor's microphone says. */
const SAM = 440;

let instance: Instance;
let floor: Floor;
let chrome: Browser;
let page: Page;

beforeAll(async () => {
  instance = await new Instance(28_000).start();
  floor = new Floor(instance);
  chrome = await Browser.open(instance, { says: SAM });
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

  it('listens, whispers so that the agent alone hears it, and takes the call over', async () => {
    const bobPhone = await floor.deskPhone('bob', { says: BOB, autoAnswer: true });
    const bob = await instance.signIn('bob');
    // Ends the wrap-up of the call before.
    await bob.put('/me/presence', { state: 'offline' });
    await bob.put('/me/presence', { state: 'ready' });
    const caller = await floor.caller('+15557003', { says: CALLER });
    caller.call('+15550101');
    await bobPhone.until('CALL_ESTABLISHED', 20_000);
    await row('Agents', 'Bob').getByRole('link', { name: 'Bob' }).click();
    await page.getByRole('button', { name: 'Listen', exact: true }).click();
    await hears(page, CALLER);
    await hears(page, BOB);
    await page.getByRole('button', { name: 'Whisper', exact: true }).click();
    await expect.poll(() => bobPhone.heard(SAM), { timeout: 8000, interval: 50 }).toBeGreaterThan(0.5);
    expect(caller.heard(SAM), 'the customer hears nothing of it').toBe(0);
    expect(await look(page, 'live-whisper')).toEqual([]);
    await page.getByRole('button', { name: 'Take over', exact: true }).click();
    await bobPhone.until('CALL_CLOSED');
    await expect.poll(() => caller.heard(SAM), { timeout: 8000, interval: 50 }).toBeGreaterThan(0.5);
    caller.hangUp();
    await caller.until('CALL_CLOSED');
    await bob.put('/me/presence', { state: 'offline' });
  });

  it('takes a waiting call out of its line, and the trace says who did', async () => {
    const sam = await instance.signIn('sam');
    await sam.put('/me/presence', { state: 'offline' });
    await sam.put('/me/presence', { state: 'not-ready' });
    const [first, second] = [
      await floor.caller('+15557004', { says: 700 }),
      await floor.caller('+15557005', { says: CALLER }),
    ];
    first.call('+15550101');
    await waiting('Sales').getByText('1', { exact: true }).waitFor();
    second.call('+15550101');
    await waiting('Sales').getByText('2', { exact: true }).waitFor();
    await row('Queues', 'Sales').getByRole('link', { name: 'Sales' }).click();
    const line = page.getByRole('listitem').filter({ hasText: '+1 555 7005' });
    await line.getByRole('combobox').selectOption('9');
    await page.getByText('Priority is 9 now.').waitFor();
    expect(await look(page, 'live-line')).toEqual([]);
    await line.getByRole('button', { name: /^What to do with/ }).click();
    await page.getByRole('menuitem', { name: 'Take it myself' }).click();
    await page.getByRole('button', { name: /^Accept/ }).click();
    await hears(page, CALLER);
    await expect.poll(() => second.heard(SAM), { timeout: 8000, interval: 50 }).toBeGreaterThan(0.5);
    second.hangUp();
    first.hangUp();
    const trace = await floor.newest(sam, ({ from, state }) => from === '+15557005' && state !== 'active');
    const { events, segments } = await sam.get<InteractionTrace>(`/interactions/${trace.id}`);
    expect(segments.map(({ kind, end }) => `${kind}:${end}`)).toContain('queue:answered');
    const by = trace.agentId;
    expect(events.filter(({ type }) => type.startsWith('queue.')).map(({ type, data }) => [type, data])).toMatchObject([
      ['queue.priority', { before: 5, priority: 9, by }],
      ['queue.pulled', { agentId: by, by }],
    ]);
    await sam.put('/me/presence', { state: 'offline' });
  });

  it('is told when another supervisor changed the same queue meanwhile, and loses nothing', async () => {
    const admin = await instance.signIn('admin');
    const { items } = await admin.get<{ items: { id: string; name: string }[] }>('/queues?limit=100');
    const { id } = items.find(({ name }) => name === 'Support')!;
    await page.getByRole('link', { name: 'Queues', exact: true }).click();
    // The live page has such a link too.
    await page.waitForURL('**/admin/queues');
    await page.getByRole('link', { name: 'Support', exact: true }).click();
    const description = page.getByLabel('Description');
    await description.fill('Written by Sam');
    await admin.patch(`/queues/${id}`, { description: 'Written by the other' }, { 'if-match': '*' });
    await page.getByRole('button', { name: 'Save' }).click();
    const told = page.getByRole('alert').filter({ hasText: 'Load theirs' });
    await told.waitFor();
    expect(await told.textContent()).toContain('Written by the other');
    expect(await description.inputValue(), 'what was typed is still there').toBe('Written by Sam');
    expect(await look(page, 'queue-conflict')).toEqual([]);
    await told.getByRole('button', { name: 'Save mine' }).click();
    await told.waitFor({ state: 'detached' });
    await expect
      .poll(() => admin.get(`/queues/${id}`), { timeout: 5000, interval: 50 })
      .toMatchObject({ description: 'Written by Sam' });
    // A refused save is an answer here, and the browser writes it down.
    const others = chrome.problems.splice(0).filter((problem) => !problem.includes('412'));
    expect(others).toEqual([]);
    await page.getByRole('link', { name: 'Live' }).click();
  });

  it('is told since when the page is late, and reads again what has happened meanwhile', async () => {
    const caller = await floor.caller('+15557002', { says: 600 });
    caller.call('+15550101');
    await waiting('Sales').getByText('1', { exact: true }).waitFor();

    instance.killRole('web');
    const state = page.getByRole('status').filter({ hasText: /^\s*No connection since \d{1,2}:\d\d:\d\d\s*$/ });
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
