import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { InteractionTrace, QueueFigures } from '#appliance/contract/work.ts';
import { delay } from '#appliance/kernel/async.ts';
import { Instance } from '#test/support/instance.ts';
import type { Api } from '../calls/support/api.ts';
import type { Baresip } from '../calls/support/baresip.ts';
import { Floor } from '../calls/support/floor.ts';
import { secondsOfTone } from '../calls/support/tones.ts';
import { Browser, heardMs, hears, look } from './support/browser.ts';

const CALLER = 600;
// Far from any note of the music.
const ALICE = 1850;
const BOB = 900;

let instance: Instance;
let floor: Floor;
let sam: Api;
let chrome: Browser;
let page: Page;

const SCRIPT = '# Greeting\nGood day, **{queue}**, {agent} speaking.';
/** The promise: an agent's first load, with all that comes until the phone of the browser is ready. */
const MOST_BYTES = 250_000;

beforeAll(async () => {
  instance = await new Instance(28_000).start();
  floor = new Floor(instance);
  sam = await instance.signIn('sam');
  const sales = (await sam.get<{ items: { id: string; name: string }[] }>('/queues')).items.find(
    ({ name }) => name === 'Sales',
  );
  await sam.change(`/queues/${sales!.id}`, { script: SCRIPT });
  chrome = await Browser.open(instance, { says: ALICE });
  page = await chrome.signIn('alice', instance.firstRun.users.alice!.password);
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

const kinds = (trace: InteractionTrace) => trace.segments.map(({ kind, end }) => `${kind} ${end}`);
const button = (name: string | RegExp) => page.getByRole('button', { name });
const phoneState = (words: string, timeout = 10_000) =>
  page.getByRole('status').filter({ hasText: words }).waitFor({ state: 'attached', timeout });

/** The phone hears the tone for half a second more than it has so far. */
async function phoneHears(phone: Baresip, hz: number): Promise<void> {
  const before = phone.heard(hz);
  await expect.poll(() => phone.heard(hz) - before, { timeout: 8000, interval: 50 }).toBeGreaterThan(0.5);
}

/** What the phone hears in the next second. */
async function nextSecond(phone: Baresip, hz: number): Promise<{ tone: number; sound: number }> {
  const tone = phone.heard(hz);
  const sound = phone.heardSound();
  await delay(1000);
  return { tone: phone.heard(hz) - tone, sound: phone.heardSound() - sound };
}

/** A customer's call reaches alice, who takes it in her browser; both hear each other. */
async function talking(number: string): Promise<Baresip> {
  const caller = await floor.caller(number, { says: CALLER });
  caller.call('+15550101');
  await button(/^Accept/).click();
  await hears(page, CALLER);
  await phoneHears(caller, ALICE);
  return caller;
}

/** Whether the focus is on such a control. */
const focused = (kind: 'radio' | 'textarea') =>
  page.evaluate<boolean>(`document.activeElement?.matches('${kind === 'radio' ? 'input[type=radio]' : kind}')`);

async function wrapUp(disposition: string): Promise<void> {
  await page.getByLabel(disposition).check();
  await button(/^Finish/).click();
  await page.getByText('Ready for work').waitFor();
}

describe('an agent with a browser', () => {
  it('is ready to work after less than 250 kB', async () => {
    await phoneState('Phone ready');
    const network = await page.context().newCDPSession(page);
    await network.send('Network.enable');
    await network.send('Network.setCacheDisabled', { cacheDisabled: true });
    let bytes = 0;
    network.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    await page.reload();
    await phoneState('Phone ready');
    await network.detach();
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(MOST_BYTES);
  });

  it('becomes ready with the phone of this browser, and is rung on screen', async () => {
    await phoneState('Phone ready');
    expect(await look(page, 'agent-offline')).toEqual([]);
    await button(/^Phone ready/).click();
    expect(await look(page, 'agent-phone', '.pop')).toEqual([]);
    await page.getByRole('radio', { name: 'This browser' }).check();
    await page.keyboard.press('Escape');
    await phoneState('Phone ready');
    await button(/^Become ready/).click();
    const caller = await floor.caller('+15557000', { says: CALLER });
    caller.call('+15550101');
    await page.getByRole('region', { name: 'Offer' }).getByText('+1 555 7000').waitFor();
    await page.getByRole('region', { name: 'Call script' }).getByText('Good day, Sales, Alice speaking.').waitFor();
    expect(await look(page, 'agent-offer')).toEqual([]);
    // A ringing phone is one that says so to the box, before anybody answers.
    caller.hangUp();
    await page.getByRole('region', { name: 'Offer' }).waitFor({ state: 'detached' });
  });

  it('takes a call, mutes, holds, sends digits, hangs up and wraps up', async () => {
    const caller = await talking('+15557001');
    expect(await look(page, 'agent-call')).toEqual([]);

    await button('Mute').click();
    await button('Unmute').waitFor();
    const muted = await nextSecond(caller, ALICE);
    expect(muted.tone, 'nothing of a muted microphone').toBeLessThan(0.2);
    await button('Unmute').click();
    await phoneHears(caller, ALICE);

    await button('Hold').click();
    await button('Resume').waitFor();
    await delay(300);
    const heldFor = await heardMs(page, CALLER);
    const held = await nextSecond(caller, ALICE);
    expect(held.sound, 'music').toBeGreaterThan(0.5);
    expect(held.tone, 'not her').toBe(0);
    expect((await heardMs(page, CALLER)) - heldFor, 'she does not hear the customer').toBeLessThan(200);
    expect(await look(page, 'agent-held')).toEqual([]);
    await button('Resume').click();
    await hears(page, CALLER);
    await phoneHears(caller, ALICE);

    await button('Keypad').click();
    for (const digit of '42#') await page.getByRole('button', { name: digit, exact: true }).click();
    expect(await look(page, 'agent-keypad', '.pop')).toEqual([]);
    await expect.poll(() => caller.digits, { timeout: 4000 }).toBe('42#');
    await page.keyboard.press('Escape');

    await button(/^Hang up/).click();
    await caller.until('CALL_CLOSED');
    let trace = await floor.newest(sam, ({ state }) => state === 'wrap-up');
    expect(trace).toMatchObject({
      from: '+15557001',
      queueName: 'Sales',
      agentName: 'Alice',
      endReason: 'agent-hung-up',
    });
    await button(/^Finish/).waitFor();
    expect(await look(page, 'agent-wrap-up')).toEqual([]);
    await page.getByLabel('Notes').fill('Wanted a price.');
    await button('Add a follow-up').click();
    await page.getByLabel('What is to be done').fill('Send the price list');
    await button('Tomorrow morning').click();
    await wrapUp('Solved');
    await page.getByText('Send the price list · Sales').waitFor();
    await button('Done: +1 555 7001').click();
    await button('Open again').waitFor();

    trace = await floor.newest(sam, ({ state, recordings }) => state === 'ended' && recordings[0]?.state === 'ready');
    expect(trace).toMatchObject({ disposition: 'solved', notes: 'Wanted a price.' });
    expect(kinds(trace)).toEqual([
      'queue answered',
      'agent hold',
      'hold resumed',
      'agent completed',
      'wrap-up completed',
    ]);
    const { rate, left, right } = await floor.listen(sam, trace.recordings[0]!);
    expect(secondsOfTone(left, rate, CALLER), 'the customer on the left').toBeGreaterThan(2);
    expect(secondsOfTone(right, rate, ALICE), 'the agent on the right').toBeGreaterThan(2);
    expect(secondsOfTone(left, rate, ALICE)).toBe(0);
    expect(secondsOfTone(right, rate, CALLER)).toBe(0);
    const { figures } = await sam.get<{ figures: QueueFigures }>(`/queues/${trace.queueId}/figures`);
    expect(figures).toMatchObject({ offered: 2, answered: 1 });
    expect(await look(page, 'agent-day')).toEqual([]);
  });

  it('hands a customer over to a desk phone without asking first, by keys alone', async () => {
    const bobPhone = await floor.deskPhone('bob', { says: BOB, autoAnswer: true });
    const bob = await floor.ready('bob');
    await bob
      .put('/me/presence', { state: 'not-ready', reason: 'break' })
      .catch(() => bob.put('/me/presence', { state: 'not-ready' }));
    // With the keyboard alone, from the ring to the end of the wrap-up.
    const caller = await floor.caller('+15557002', { says: CALLER });
    caller.call('+15550101');
    await page.getByRole('region', { name: 'Offer' }).waitFor();
    await page.keyboard.press('Alt+A');
    await phoneHears(caller, ALICE);
    await page.keyboard.press('Alt+H');
    await button('Resume').waitFor();
    await page.keyboard.press('Alt+H');
    await button('Hold').waitFor();
    await page.keyboard.press('Alt+T');
    await page.getByPlaceholder('Agent, queue or number…').waitFor();
    await page.keyboard.type('bob');
    await page.getByRole('option', { name: /Bob.*Break/ }).waitFor();
    expect(await look(page, 'agent-transfer', '.pop')).toEqual([]);
    await page.keyboard.press('Enter');
    await bobPhone.until('CALL_ESTABLISHED');
    await phoneHears(caller, BOB);
    await phoneHears(bobPhone, CALLER);
    await button(/^Finish/).waitFor();
    for (let tabs = 0; tabs < 40 && !(await focused('radio')); tabs += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    for (let tabs = 0; tabs < 5 && !(await focused('textarea')); tabs += 1) await page.keyboard.press('Tab');
    await page.keyboard.type('Bob knows.');
    await page.keyboard.press('Control+Enter');
    await page.getByText('Ready for work').waitFor();
    const before = bobPhone.heard(ALICE);
    await delay(500);
    expect(bobPhone.heard(ALICE) - before, 'she has left').toBe(0);
    caller.hangUp();
    await bobPhone.until('CALL_CLOSED');
    const trace = await floor.newest(sam, ({ state }) => state === 'wrap-up');
    expect(kinds(trace)).toEqual([
      'queue answered',
      'agent hold',
      'hold resumed',
      'agent transferred',
      'dial answered',
      'wrap-up completed', // hers, beside the customer's way
      'agent completed',
      'wrap-up null',
    ]);
    await bob.post(`/interactions/${trace.id}/wrap-up`, { disposition: null, notes: null });
  });

  it('keeps the call when the page is reloaded in the middle of it', async () => {
    const caller = await talking('+15557003');
    const before = caller.heardSound();
    await page.reload();
    await hears(page, CALLER, 500, 15_000);
    await phoneHears(caller, ALICE);
    expect(caller.heardSound() - before, 'music, not silence').toBeGreaterThan(1);
    expect(caller.events.filter(({ type }) => type === 'CALL_CLOSED')).toEqual([]);
    await page.getByRole('button', { name: /^Hang up/ }).click();
    await caller.until('CALL_CLOSED');
    await wrapUp('Solved');
    const trace = await floor.newest(
      sam,
      ({ state, recordings }) => state === 'ended' && recordings[0]?.state === 'ready',
    );
    expect(kinds(trace)).toEqual([
      'queue answered',
      'agent hold',
      'hold resumed',
      'agent completed',
      'wrap-up completed',
    ]);
    const { rate, right } = await floor.listen(sam, trace.recordings[0]!);
    expect(secondsOfTone(right, rate, ALICE), 'before and after').toBeGreaterThan(1.5);
  });

  it('keeps the call when its phone goes to another tab, and when the network changes', async () => {
    const caller = await talking('+15557005');
    const first = page;
    const second = await first.context().newPage();
    await second.goto(first.url());
    const other = (name: string | RegExp) => second.getByRole('button', { name });
    await second.getByRole('status').filter({ hasText: 'Another tab of this browser has the phone.' }).waitFor();
    await other('Use the phone here').click();
    await hears(second, CALLER, 500, 15_000);
    await phoneHears(caller, ALICE);
    await phoneState('Phone: Phone in another tab');
    const heard = await heardMs(first, CALLER);

    await second.context().setOffline(true);
    await second.context().setOffline(false);
    await second.getByRole('status').filter({ hasText: 'Phone ready' }).waitFor({ state: 'attached', timeout: 15_000 });
    await hears(second, CALLER);
    await phoneHears(caller, ALICE);
    expect(await heardMs(first, CALLER), 'one tab plays').toBe(heard);
    expect(caller.events.filter(({ type }) => type === 'CALL_CLOSED')).toEqual([]);

    await other(/^Hang up/).click();
    await caller.until('CALL_CLOSED');
    await second.close();
    await phoneState('Phone ready');
    await wrapUp('Solved');
    const trace = await floor.newest(sam, ({ state }) => state === 'ended');
    expect(trace.segments.at(-1)).toMatchObject({ kind: 'wrap-up', end: 'completed' });
  });

  it('talks on while the web role dies and comes back, and hangs up then', async () => {
    const caller = await talking('+15557004');
    instance.killRole('web');
    await page.getByRole('status').filter({ hasText: 'No connection since' }).waitFor();
    const cut = await nextSecond(caller, ALICE);
    expect(cut.tone, 'the audio goes its own way').toBeGreaterThan(0.8);
    await hears(page, CALLER);
    await phoneState('Phone ready', 20_000);
    await button(/^Hang up/).click();
    await caller.until('CALL_CLOSED');
    await wrapUp('Solved');
    const trace = await floor.newest(sam, ({ state }) => state === 'ended');
    expect(kinds(trace)).toEqual(['queue answered', 'agent completed', 'wrap-up completed']);
    // The browser itself notes that nobody answered for a while; that is all it may have noted.
    expect(chrome.problems.splice(0).filter((problem) => !/ERR_CONNECTION_REFUSED|WebSocket/.test(problem))).toEqual(
      [],
    );
  });
});
