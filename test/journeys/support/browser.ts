import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { delay } from '#appliance/kernel/async.ts';
import type { Instance } from '#test/support/instance.ts';
import { writeTone } from '../../calls/support/tones.ts';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
/** Looked at by people when set: a picture of every page that a journey passes. */
const PICTURES = process.env.STRONGROOM_TEST_PICTURES;

/** One person's Chromium, with a microphone that says one tone and an ear at everything that is played. */
export class Browser {
  /** What no page may do: ask other boxes, break its own policy, fail in the console. */
  readonly problems: string[] = [];
  readonly #dir = mkdtempSync(join(tmpdir(), 'strongroom-browser-'));
  readonly #origin: string;
  #context!: BrowserContext;

  private constructor(origin: string) {
    this.#origin = origin;
  }

  static async open(instance: Instance, { says = 440 }: { says?: number } = {}): Promise<Browser> {
    const browser = new Browser(instance.firstRun.url);
    const microphone = join(browser.#dir, 'microphone.wav');
    writeTone(microphone, says, 10, 48_000, 12_000);
    const key = new X509Certificate(readFileSync(instance.config.tlsCert)).publicKey.export({
      type: 'spki',
      format: 'der',
    });
    browser.#context = await chromium.launchPersistentContext(join(browser.#dir, 'profile'), {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      headless: false,
      viewport: { width: 1280, height: 720 },
      locale: 'en-GB',
      args: [
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-background-timer-throttling',
        '--disable-renderer-backgrounding',
        '--disable-backgrounding-occluded-windows',
        // The box's own key and no other: everything else about the certificate is as for a visitor.
        `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`,
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
        `--use-file-for-fake-audio-capture=${microphone}`,
        '--allow-loopback-in-peer-connection',
        '--autoplay-policy=no-user-gesture-required',
      ],
    });
    await browser.#context.addInitScript({ path: join(import.meta.dirname, 'ears.js') });
    browser.#context.setDefaultTimeout(10_000);
    browser.#context.on('page', (page) => browser.#watch(page));
    for (const page of browser.#context.pages()) browser.#watch(page);
    return browser;
  }

  async page(): Promise<Page> {
    const [first] = this.#context.pages();
    return first?.url() === 'about:blank' ? first : this.#context.newPage();
  }

  /** A page on which this person has signed in by hand. */
  async signIn(username: string, password: string): Promise<Page> {
    const page = await this.page();
    await page.goto(this.#origin);
    await page.getByLabel('User name').fill(username);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.keyboard.press('Enter');
    await page.getByRole('navigation').first().waitFor();
    return page;
  }

  async close(): Promise<void> {
    await this.#context?.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #watch(page: Page): void {
    const own = new URL(this.#origin).host;
    const check = (url: string) => {
      if (!/^(data|blob|about):/.test(url) && new URL(url).host !== own) this.problems.push(`left the box: ${url}`);
    };
    page.on('request', (request) => check(request.url()));
    page.on('websocket', (socket) => check(socket.url()));
    page.on('pageerror', (error) => this.problems.push(`error: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      // Policy violations are told here too. That nobody has signed in yet is the answer to the page's first question.
      const notYet = /\b401\b/.test(message.text()) && message.location().url.endsWith('/api/v1/me');
      if (message.type() === 'error' && !notYet)
        this.problems.push(`console: ${message.text()} (${message.location().url})`);
    });
  }
}

/**
 * Problems of accessibility on the page as it is now, in one line each; and a picture when pictures are asked for. `within`
 * names what lies over the rest, which nobody can reach then.
 */
export async function look(page: Page, name: string, within = 'body'): Promise<string[]> {
  if (PICTURES) {
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: join(PICTURES, `${name}.png`) });
  }
  const { violations } = await new AxeBuilder({ page }).include(within).withTags(TAGS).analyze();
  // Panels scroll, pages do not.
  const [wide, tall] = await page.evaluate<[boolean, boolean]>(
    `(({ scrollWidth, scrollHeight }) => [scrollWidth > innerWidth + 1, scrollHeight > innerHeight])(document.documentElement)`,
  );
  return [
    ...violations.map(
      ({ id, nodes }) =>
        `${name}: ${id}: ${nodes
          .map((node) => node.target.join(' '))
          .slice(0, 3)
          .join(' | ')}`,
    ),
    ...(wide ? [`${name}: wider than its window`] : []),
    ...(tall ? [`${name}: taller than its window`] : []),
  ];
}

/** Milliseconds in which the page's speaker has played `hz`, since the page was loaded. */
export function heardMs(page: Page, hz: number): Promise<number> {
  return page.evaluate(`ears.heardMs(${hz})`);
}

/** Waits until the page plays `hz` for a while. */
export async function hears(page: Page, hz: number, forMs = 500, timeoutMs = 8000): Promise<void> {
  const before = await heardMs(page, hz);
  for (const end = Date.now() + timeoutMs; ; await delay(50)) {
    if ((await heardMs(page, hz)) - before >= forMs) return;
    if (Date.now() > end) throw new Error(`the page does not play ${hz} Hz: ${await page.evaluate('ears.describe()')}`);
  }
}
