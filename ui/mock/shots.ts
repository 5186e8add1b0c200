// Screenshots of every page, with axe and a watch over requests that leave the box. `node ui/mock/shots.ts FOLDER [name…]`
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { chromium, type Page } from 'playwright-core';

const BASE = process.env.BASE ?? 'http://127.0.0.1:27000';
const SIZES = { wide: [1920, 1080], middle: [1280, 720], narrow: [390, 844] } as const;
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

interface Shot {
  name: string;
  user?: string;
  scene?: string;
  path: string;
  act?: (page: Page) => Promise<void>;
  settleMs?: number;
}

const SHOTS: Shot[] = [
  { name: 'sign-in', path: '/sign-in' },
  {
    name: 'sign-in-wrong',
    path: '/sign-in',
    act: async (page) => {
      await page.fill('[name=username]', 'alice');
      await page.fill('[name=password]', 'wrong');
      await page.keyboard.press('Enter');
    },
  },
  { name: 'agent-idle', user: 'alice', path: '/agent' },
  { name: 'agent-away', user: 'bob', scene: 'away', path: '/agent' },
  { name: 'agent-empty', user: 'alice', scene: 'empty', path: '/agent' },
  { name: 'agent-offer', user: 'alice', scene: 'offer', path: '/agent' },
  { name: 'agent-offer-desk', user: 'bob', scene: 'offer', path: '/agent' },
  { name: 'agent-call', user: 'bob', scene: 'call', path: '/agent' },
  { name: 'agent-held', user: 'bob', scene: 'held', path: '/agent' },
  { name: 'agent-lost', user: 'alice', scene: 'call', path: '/agent' },
  { name: 'agent-wrap-up', user: 'bob', scene: 'wrap-up', path: '/agent' },
  { name: 'agent-failing', user: 'bob', scene: 'failing', path: '/agent' },
  { name: 'agent-transfer', user: 'bob', scene: 'call', path: '/agent', act: (page) => page.keyboard.press('Alt+T') },
  { name: 'agent-keypad', user: 'bob', scene: 'call', path: '/agent', act: (page) => page.keyboard.press('Alt+K') },
  { name: 'agent-conference', user: 'bob', scene: 'conference', path: '/agent' },
  { name: 'agent-secure', user: 'bob', scene: 'secure', path: '/agent' },
  {
    name: 'agent-more',
    user: 'bob',
    scene: 'call',
    path: '/agent',
    act: (page) => page.getByRole('button', { name: 'More' }).click(),
  },
  {
    name: 'agent-follow-up',
    user: 'bob',
    scene: 'wrap-up',
    path: '/agent',
    act: (page) => page.getByRole('button', { name: 'Add a follow-up' }).click(),
  },
  { name: 'agent-my-phone', user: 'alice', path: '/agent/phone' },
  { name: 'agent-phone', user: 'alice', path: '/agent', act: (page) => page.click('.phone-trigger') },
  { name: 'agent-presence', user: 'alice', path: '/agent', act: (page) => page.click('.presence') },
  { name: 'live', user: 'sam', path: '/live' },
  { name: 'live-empty', user: 'sam', scene: 'empty', path: '/live' },
  { name: 'live-late', user: 'sam', path: '/live', act: (page) => setScene(page, 'silent'), settleMs: 13_000 },
  { name: 'live-gone', user: 'sam', path: '/live', act: (page) => setScene(page, 'gone'), settleMs: 3_000 },
  { name: 'live-alarms', user: 'sam', path: '/live', act: (page) => page.click('.alarm-trigger') },
  { name: 'palette', user: 'admin', path: '/live', act: (page) => page.keyboard.press('Control+K') },
  { name: 'keys', user: 'bob', scene: 'call', path: '/agent', act: (page) => page.keyboard.press('?') },
  { name: 'interactions', user: 'sam', path: '/interactions' },
  { name: 'trace', user: 'sam', path: '/interactions/01900000-0000-7000-8000-000000000603' },
  ...[
    'queues',
    'users',
    'phones',
    'trunks',
    'numbers',
    'hours',
    'prompts',
    'dispositions',
    'reasons',
    'audit',
    'skills',
    'teams',
    'agents',
    'flows',
    'recording-rules',
    'system',
  ].map((name) => ({ name: `admin-${name}`, user: 'admin', path: `/admin/${name}` })),
  { name: 'admin-edit', user: 'admin', path: '/admin/queues', act: (page) => page.click('td button.open') },
  { name: 'admin-new', user: 'admin', path: '/admin/users', act: (page) => page.click('.page header button') },
  { name: 'admin-failing', user: 'admin', scene: 'failing', path: '/admin/queues' },
  { name: 'admin-none', user: 'admin', scene: 'empty', path: '/admin/queues' },
  { name: 'not-found', user: 'sam', path: '/nowhere' },
];

async function setScene(page: Page, scene: string): Promise<void> {
  await page.request.post(`${BASE}/mock`, { data: { scene } });
}

const [folder = join(tmpdir(), 'shots'), ...only] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const locale = process.env.LANGUAGE_OF_SHOTS ?? 'en';
const looks = (process.env.LOOKS ?? 'middle-light').split(',');
let failures = 0;

const context = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), 'chromium-')), {
  executablePath: '/usr/bin/chromium',
  headless: true,
  locale,
  ignoreHTTPSErrors: true,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    '--autoplay-policy=no-user-gesture-required',
  ],
});

for (const look of looks) {
  const [size = 'middle', scheme = 'light'] = look.split('-') as [keyof typeof SIZES, 'light' | 'dark'];
  for (const shot of SHOTS.filter(
    ({ name }) =>
      only.length === 0 ||
      only.some((word) => name === word || (word.endsWith('*') && name.startsWith(word.slice(0, -1)))),
  )) {
    const page = await context.newPage();
    const [width, height] = SIZES[size];
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme });
    const problems: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(BASE) && !/^(data|blob):/.test(request.url()))
        problems.push(`left the box: ${request.url()}`);
    });
    page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of (4|5)\d\d/.test(message.text()))
        problems.push(`console: ${message.text()}`);
    });
    await setScene(page, shot.scene ?? 'idle');
    await context.clearCookies();
    if (shot.user)
      await page.request.post(`${BASE}/api/v1/sessions`, { data: { username: shot.user, password: 'mock' } });
    await page.goto(BASE + shot.path);
    await page.waitForTimeout(900);
    await shot.act?.(page);
    await page.waitForTimeout(shot.settleMs ?? 400);
    await page.screenshot({ path: join(folder, `${shot.name}-${look}${locale === 'en' ? '' : `-${locale}`}.png`) });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
    if (overflow) problems.push('the page is wider than the window');
    const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
    for (const violation of violations)
      problems.push(
        `axe ${violation.id}: ${violation.nodes
          .map((node) => `${node.target.join(' ')} ${node.any[0]?.message ?? ''}`)
          .slice(0, 3)
          .join(' | ')}`,
      );
    console.log(
      problems.length === 0 ? 'ok  ' : 'FAIL',
      look,
      shot.name,
      ...problems.map((problem) => `\n     ${problem}`),
    );
    failures += problems.length;
    await page.close();
  }
}
await context.close();
process.exitCode = failures === 0 ? 0 : 1;
