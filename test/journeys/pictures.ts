// Pictures of the main pages for docs/, from a real box with real calls. `npm run docs:pictures [FOLDER]`
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { Instance } from '#test/support/instance.ts';
import { Stage } from './pictures/stage.ts';
import { Browser } from './support/browser.ts';

const [folder = join(import.meta.dirname, '../../docs/pictures')] = process.argv.slice(2);
const PORT = Number(process.env.STRONGROOM_TEST_PORT ?? 28_000);
const MOST_BYTES = 200_000;
mkdirSync(folder, { recursive: true });

const instance = await new Instance(PORT, portsFrom(process.env.STRONGROOM_TEST_PORTS)).start();
const stage = new Stage(instance);
const browsers: Browser[] = [];
try {
  await stage.prepare();
  const alice = await person('alice');
  const sam = await person('sam');
  const admin = await person('admin');

  await go(alice, '/agent');
  await alice.getByRole('status').filter({ hasText: /ready/i }).first().waitFor({ state: 'attached' });
  await missedCall(alice);
  await stage.calls(0, '+15550101');
  await alice.getByRole('region', { name: 'Offer' }).waitFor();
  await take(alice, 'agent-offer');
  await alice.keyboard.press('Alt+A');
  await alice.getByRole('region', { name: 'Current call' }).waitFor();
  await (await instance.signIn('carol')).put('/me/presence', { state: 'ready' });
  await alice.getByLabel('Notes', { exact: true }).fill('Wants to move the delivery to Friday morning.');
  await alice.waitForTimeout(3000);
  await take(alice, 'agent-call');
  await alice.keyboard.press('Alt+C');
  await alice.getByPlaceholder('Agent, queue or number…').fill('Carol');
  await alice.keyboard.press('Enter');
  await alice.getByText('Talking with Carol').waitFor();
  await take(alice, 'agent-consult');
  await alice.keyboard.press('Alt+B');
  await alice.keyboard.press('Alt+G');

  await away('carol', 'lunch');
  await stage.calls(1, '+15550102');
  await stage.calls(5, '+15550102');
  await go(sam, '/live');
  await sam.getByText('asks for help').first().waitFor();
  await sam.getByRole('link', { name: 'Show the agent' }).first().click();
  await sam.getByRole('button', { name: 'Listen' }).waitFor();
  await sam.waitForTimeout(1000);
  await take(sam, 'supervisor-live');
  await sam.getByRole('link', { name: 'Support', exact: true }).click();
  await sam.getByText('The day by the hour').waitFor();
  await sam.waitForTimeout(1500);
  await take(sam, 'supervisor-queue');
  await go(sam, '/live/wall');
  await sam.waitForTimeout(1500);
  await take(sam, 'wallboard');

  await stage.over();
  await go(sam, '/interactions');
  await sam.getByRole('link').filter({ hasText: /:/ }).last().waitFor();
  await take(sam, 'interactions');
  await sam.locator('tbody a').last().click();
  await sam.getByRole('button', { name: 'Play' }).waitFor({ timeout: 30_000 });
  await sam.waitForTimeout(800);
  await take(sam, 'trace');

  for (const [path, name] of [
    ['/admin/queues', 'admin-queues'],
    ['/admin/flows', 'admin-flows'],
    ['/admin/system', 'admin-system'],
    ['/admin/audit', 'admin-audit'],
  ] as const) {
    await go(admin, path);
    await admin.waitForTimeout(1200);
    await take(admin, name);
  }
  const problems = browsers.flatMap((browser) => browser.problems).filter((one) => !/status of 401/.test(one));
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
} finally {
  await Promise.all(browsers.map((browser) => browser.close()));
  await stage.close();
  await instance.stop();
}

async function person(username: string): Promise<Page> {
  const browser = await Browser.open(instance);
  browsers.push(browser);
  const page = await browser.signIn(username, instance.firstRun.users[username]!.password);
  // A busy machine takes its time; a picture is not a race.
  page.setDefaultTimeout(45_000);
  return page;
}

async function go(page: Page, path: string): Promise<void> {
  await page.goto(instance.firstRun.url + path);
}

async function away(username: 'bob' | 'carol', reason: string): Promise<void> {
  await (await instance.signIn(username)).put('/me/presence', { state: 'not-ready', reason });
}

/** Everybody else is away, and Alice does not answer: her list of what is to do is not empty. */
async function missedCall(alice: Page): Promise<void> {
  await away('bob', 'break');
  await away('carol', 'break');
  await alice.keyboard.press('Alt+R');
  const offer = alice.getByRole('region', { name: 'Offer' });
  const caller = await stage.calls(4, '+15550102');
  await offer.waitFor();
  await offer.waitFor({ state: 'detached', timeout: 40_000 });
  caller.hangUp();
  await stage.over();
  await alice.keyboard.press('Alt+R');
  await alice.getByRole('button', { name: /Ready/ }).first().waitFor();
}

async function take(page: Page, name: string): Promise<void> {
  const path = join(folder, `${name}.png`);
  await page.mouse.move(0, 0);
  await page.screenshot({ path });
  const { size } = statSync(path);
  console.log(`${name}.png ${Math.round(size / 1000)} kB`);
  if (size > MOST_BYTES) throw new Error(`${name}.png is larger than ${MOST_BYTES / 1000} kB`);
}

/** `NAME=value,…`: other ports than those from the base. */
function portsFrom(text = ''): Record<string, string> {
  return Object.fromEntries(
    text
      .split(',')
      .filter(Boolean)
      .map((pair) => pair.split('=') as [string, string]),
  );
}
