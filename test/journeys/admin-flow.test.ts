import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Instance } from '#test/support/instance.ts';
import type { Api } from '../calls/support/api.ts';
import { Floor } from '../calls/support/floor.ts';
import { Browser, look } from './support/browser.ts';

const CALLER = 600;
const BOB = 900;
/** What the administrator's microphone says, and so the prompt that is recorded. */
const SPOKEN = 700;

let instance: Instance;
let floor: Floor;
let sam: Api;
let chrome: Browser;
let page: Page;

beforeAll(async () => {
  instance = await new Instance(25_500).start();
  floor = new Floor(instance);
  sam = await instance.signIn('sam');
  chrome = await Browser.open(instance, { says: SPOKEN });
  page = await chrome.signIn('admin', instance.firstRun.users.admin!.password);
});
afterAll(async () => {
  await chrome?.close();
  await instance?.stop();
});
afterEach(async () => {
  await floor?.clear();
  expect(chrome?.problems.splice(0)).toEqual([]);
});

const step = (id: string) => page.locator(`.svelte-flow__node[data-id="${id}"]`);
const wayOut = (id: string, way: string) => step(id).locator(`.svelte-flow__handle[data-handleid="${way}"]`);
const wayIn = (id: string) => step(id).locator('.svelte-flow__handle[data-handleid="in"]');

/** Draws a connection with the mouse, as a person does. */
async function connect(from: string, way: string, to: string): Promise<void> {
  await page.getByRole('button', { name: 'Show all' }).click();
  const start = (await wayOut(from, way).boundingBox())!;
  const end = (await wayIn(to).boundingBox())!;
  await page.mouse.move(start.x + start.width / 2, start.y + start.height / 2);
  await page.mouse.down();
  await page.mouse.move((start.x + end.x) / 2, end.y + 20, { steps: 6 });
  await page.mouse.move(end.x + end.width / 2, end.y + end.height / 2, { steps: 6 });
  await page.mouse.up();
  await page.locator(`.svelte-flow__edge[data-id="${from}|${way}"]`).waitFor({ state: 'attached' });
}

describe('an administrator', () => {
  it('records a prompt in the browser', async () => {
    await page.getByRole('link', { name: 'Prompts' }).click();
    await page.getByRole('button', { name: 'New', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('journey.notice');
    await dialog.getByLabel('Language').selectOption('*');
    await dialog.getByRole('button', { name: 'Record here' }).click();
    await page.getByRole('button', { name: 'Record', exact: true }).click();
    await page.getByRole('timer').filter({ hasText: '0:03' }).waitFor();
    await page.getByRole('button', { name: 'Stop recording' }).click();
    await page.getByLabel('Your recording').waitFor();
    expect(await look(page, 'admin-prompt-recorded')).toEqual([]);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'journey.notice', exact: true }).waitFor();
    expect(await look(page, 'admin-prompts')).toEqual([]);
  });

  it('draws a new way into the main line, tries it in text and publishes it', async () => {
    await page.getByRole('link', { name: 'Flows' }).click();
    await page.getByRole('link', { name: 'Main line' }).click();
    await step('menu').click();
    await page.getByLabel('Add a digit…').selectOption('3');
    await wayOut('menu', 'choices.3').waitFor();
    // Leads nowhere yet: told at the step, and not to be published.
    await page.getByRole('button', { name: 'Problems: 1' }).waitFor();
    expect(await page.getByRole('button', { name: 'Publish' }).isDisabled()).toBe(true);

    const canvas = page.locator('.svelte-flow__pane');
    await page
      .getByRole('button', { name: 'Play', exact: true })
      .dragTo(canvas, { targetPosition: { x: 330, y: 480 } });
    await step('play').waitFor();
    await page.getByLabel('Heard 1: Kind').selectOption('prompt');
    await page.getByLabel('Heard 1: Prompt').selectOption('journey.notice');
    await connect('menu', 'choices.3', 'play');
    await connect('play', 'next', 'support');
    await page.getByRole('button', { name: 'No problems' }).waitFor();
    expect(await look(page, 'admin-flow')).toEqual([]);

    await page.getByRole('tab', { name: 'Test' }).click();
    await page.getByLabel('Digits the caller types').fill('3');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('list', { name: 'Transcript' }).getByText('queue  Support').waitFor();
    expect(await look(page, 'admin-flow-test')).toEqual([]);

    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByLabel('What changed (optional)').fill('3 hears a notice');
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Version 2 is published.').waitFor();
  });

  it('and the next call hears and reaches what was drawn', async () => {
    const phone = await floor.deskPhone('bob', { says: BOB, autoAnswer: true });
    const bob = await floor.ready('bob');
    const caller = await floor.caller('+15557400', { says: CALLER });
    caller.call('+15550100');
    await caller.until('CALL_ESTABLISHED');
    await floor.newest(sam, ({ from, state }) => from === '+15557400' && state === 'flow');
    await caller.press('3');
    await phone.until('CALL_ESTABLISHED', 20_000);
    await expect.poll(() => caller.heard(BOB), { timeout: 8000, interval: 50 }).toBeGreaterThan(0.5);
    expect(caller.heard(SPOKEN), 'what was recorded in the browser').toBeGreaterThan(1.5);
    caller.hangUp();
    const trace = await floor.newest(sam, ({ state }) => state === 'wrap-up');
    expect(trace).toMatchObject({ from: '+15557400', queueName: 'Support', agentName: 'Bob' });
    await bob.post(`/interactions/${trace.id}/wrap-up`, { disposition: 'solved', notes: '' });
    await bob.put('/me/presence', { state: 'offline' });
    // And is counted on the ways it took.
    await page.getByRole('button', { name: 'Calls today' }).click();
    const calls = (id: string, way: string) => step(id).locator('.slot', { hasText: way }).locator('.calls');
    await calls('menu', 'digit 3').filter({ hasText: '1' }).waitFor();
    expect(await calls('menu', 'digit 2').textContent()).toBe('0');
    expect(await look(page, 'admin-flow-traffic')).toEqual([]);
    await page.getByRole('button', { name: 'Calls today' }).click();
  });

  it('compares versions, undoes, is asked before losing work, and rolls back', async () => {
    await page.getByRole('tab', { name: 'Versions' }).click();
    await page.getByLabel('From…').selectOption('1');
    await page.getByLabel('To', { exact: true }).selectOption('2');
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await page.getByText('choices.3').waitFor();
    expect(await look(page, 'admin-flow-diff')).toEqual([]);

    await step('play').click();
    await page.keyboard.press('Delete');
    await step('play').waitFor({ state: 'detached' });
    await page.getByText('Not saved').waitFor();
    await page.getByRole('link', { name: 'Numbers' }).click();
    await page.getByRole('dialog', { name: 'Leave without saving?' }).getByRole('button', { name: 'Stay' }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await step('play').waitFor();
    await page.getByText('Not saved').waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Roll back to this' }).click();
    await page.getByRole('button', { name: 'Roll back', exact: true }).click();
    await page.getByText('Version 1 serves calls again.').waitFor();
  });

  it('is told when somebody else saved the same flow meanwhile', async () => {
    const admin = await instance.signIn('admin');
    const { items } = await admin.get<{ items: { id: string }[] }>('/flows');
    await step('bye').click();
    await page.getByRole('tab', { name: 'Step' }).click();
    await page.getByLabel('Name').fill('Goodbye');
    const { document } = await admin.get<{ document: { steps: object } }>(`/flows/${items[0]!.id}/draft`);
    await admin.put(`/flows/${items[0]!.id}/draft`, { document: { ...document, onError: 'end' } }, { 'if-match': '*' });
    await page.getByRole('button', { name: 'Save draft' }).click();
    const told = page.getByRole('alert').filter({ hasText: 'Load theirs' });
    await told.waitFor();
    await told.getByRole('button', { name: 'Load theirs' }).click();
    await told.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await step('bye').getByText('Goodbye').waitFor();
    await page.getByRole('link', { name: 'System' }).click();
    await page.getByRole('dialog', { name: 'Leave without saving?' }).getByRole('button', { name: 'Leave' }).click();
    await page.getByRole('heading', { name: 'System', level: 1 }).waitFor();
    // A refused save is an answer here, and the browser writes it down.
    chrome.problems.splice(
      0,
      Number.POSITIVE_INFINITY,
      ...chrome.problems.filter((problem) => !problem.includes('412')),
    );
  });
});

describe('an administrator without a mouse', () => {
  const api = () => instance.signIn('admin');
  const focused = () => page.locator(':focus');
  /** By the palette, as the keyboard has it. */
  async function go(place: string, heading = place): Promise<void> {
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').getByRole('combobox').waitFor();
    await page.keyboard.type(place);
    await page.getByRole('option', { name: place, exact: true }).and(page.locator('[data-selected]')).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: heading, exact: true, level: 1 }).waitFor();
  }

  it('begins a backup and sees it run', async () => {
    await go('System');
    await page.getByRole('button', { name: 'Back up now' }).press('Enter');
    await page.getByRole('progressbar', { name: 'Backups' }).waitFor();
  });

  it('reaches every page, and none has a barrier', async () => {
    // The pages with the most to say; each list is the same page with other columns.
    const pages = [
      ['Set-up', 'Set-up of this box'],
      ['Trunks'],
      ['SIP guard'],
      ['SIP traffic'],
      ['Audit log'],
      ['System'],
    ];
    const barriers: string[] = [];
    for (const [place, heading] of pages) {
      await go(place!, heading);
      await page.getByText('Loading…').waitFor({ state: 'detached' });
      barriers.push(...(await look(page, `admin-${place!.toLowerCase().replace(/\W/g, '-')}`)));
    }
    expect(barriers).toEqual([]);
  });

  it('bans a source and hears it again, being asked once', async () => {
    await go('SIP guard');
    await page.getByRole('button', { name: 'Ban an address' }).press('Enter');
    await page.getByRole('dialog').getByLabel('Address').and(focused()).waitFor();
    await page.keyboard.type('203.0.113.77');
    await page.keyboard.press('Enter');
    const row = page.getByRole('row').filter({ hasText: '203.0.113.77' });
    await row.getByRole('button', { name: 'Lift…' }).press('Enter');
    // The question has the focus on the harmless answer; Escape is that answer.
    await row.getByRole('button', { name: 'Keep' }).and(focused()).waitFor();
    await page.keyboard.press('Escape');
    await row.getByRole('button', { name: 'Lift…' }).press('Enter');
    await row.getByRole('button', { name: 'Lift', exact: true }).press('Enter');
    await row.waitFor({ state: 'detached' });
  });

  it('fills the skills sheet with arrows and digits, and takes one back', async () => {
    const admin = await api();
    await admin.post('/skills', { name: 'Harbour' });
    await go('Skills');
    await page.getByRole('link', { name: 'Skills matrix' }).press('Enter');
    const cells = page.getByRole('gridcell', { name: /Harbour/ });
    await cells.first().focus();
    for (const key of ['7', 'ArrowDown', '4', 'ArrowDown', 'Control+d', 'Control+z']) await page.keyboard.press(key);
    expect(await cells.allTextContents()).toEqual(expect.arrayContaining(['7', '4', '·']));
    await page.getByRole('button', { name: 'Save' }).press('Enter');
    await page.getByText('2 changed.').waitFor();
    expect(await look(page, 'admin-skills-matrix')).toEqual([]);
  });

  it('sees both versions of what two people changed, and keeps hers', async () => {
    const admin = await api();
    const { items } = await admin.get<{ items: { id: string; version: number; label: string }[] }>('/dispositions');
    const one = items[0]!;
    await go('Dispositions');
    await page.getByRole('button', { name: one.label, exact: true }).press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Typed here');
    await admin.patch(`/dispositions/${one.id}`, { label: 'Saved there' }, { 'if-match': '*' });
    await page.keyboard.press('Enter');
    await dialog.getByRole('row').filter({ hasText: 'Saved there' }).filter({ hasText: 'Typed here' }).waitFor();
    expect(await look(page, 'admin-conflict', '[role=dialog]')).toEqual([]);
    await dialog.getByRole('button', { name: 'Save mine' }).press('Enter');
    await page.getByRole('button', { name: 'Typed here', exact: true }).waitFor();
    chrome.problems.splice(
      0,
      Number.POSITIVE_INFINITY,
      ...chrome.problems.filter((problem) => !problem.includes('412')),
    );
  });

  it('finds the backup made meanwhile, and proved', async () => {
    await go('System');
    await page.getByText('Proved').waitFor({ timeout: 40_000 });
    await page.getByText(/restore .*backups\/strongroom-\d{8}-\d{6}\.tar\.gz --to NEW_FOLDER/).waitFor();
  });
});
