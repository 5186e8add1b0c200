import { existsSync, readFileSync } from 'node:fs';
import type { Config } from '#appliance/platform/config/index.ts';
import type { FirstRun } from '../seed/context.ts';

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code: number) => (text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
export const bold = paint(1);
export const dim = paint(2);
export const green = paint(32);
export const red = paint(31);

/** "✓ PostgreSQL  0.3 s" */
export function stepDone(name: string, tookMs: number, detail = ''): void {
  process.stdout.write(`${green('✓')} ${name}${detail ? ` ${dim(detail)}` : ''} ${dim(seconds(tookMs))}\n`);
}

export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const from = performance.now();
  if (process.stdout.isTTY) process.stdout.write(dim(`… ${name}`));
  try {
    const result = await work();
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
    stepDone(name, performance.now() - from);
    return result;
  } catch (error) {
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
    process.stdout.write(`${red('✗')} ${name}\n`);
    throw error;
  }
}

export function readFirstRun(config: Config): FirstRun | undefined {
  const { firstRun } = config.paths;
  return existsSync(firstRun) ? (JSON.parse(readFileSync(firstRun, 'utf8')) as FirstRun) : undefined;
}

/** The one screen: where to go, who can sign in, what to dial, how to stop. Passwords are shown once. */
export function welcome(config: Config, options: { firstTime: boolean; tookMs: number }): string {
  const url = `https://${config.host}:${config.httpsPort}`;
  const lines = [
    '',
    `${bold('Strongroom is ready')} ${dim(`in ${seconds(options.tookMs)}`)}`,
    '',
    row('Open', bold(url)),
  ];
  if (!config.external.certificate) {
    lines.push(
      row(
        '',
        dim(`The browser will not know this box yet. Its certificate: http://${config.host}:${config.httpPort}/ca.pem`),
      ),
    );
  }
  const demo = readFirstRun(config);
  if (demo) lines.push('', ...demoLines(config, demo, options.firstTime));
  else lines.push(row('Sign in', 'add the first user: npm run strongroom -- user add NAME --role admin'));
  lines.push(
    '',
    row('Check', 'npm run strongroom -- doctor'),
    row('Data', config.dataDir),
    row('Logs', config.paths.log),
  );
  lines.push(row('Stop', 'Ctrl-C'), '');
  return lines.join('\n');
}

function demoLines(config: Config, demo: FirstRun, firstTime: boolean): string[] {
  const lines: string[] = [];
  const roles: Record<string, string> = { admin: 'administrator', sam: 'supervisor' };
  for (const [name, user] of Object.entries(demo.users)) {
    const secret = firstTime ? bold(user.password) : dim('(see first-run.json)');
    const extension = user.extension ? dim(` extension ${user.extension}`) : '';
    lines.push(
      row(
        lines.length === 0 ? 'Sign in' : '',
        `${name.padEnd(6)} ${secret}  ${dim(roles[name] ?? 'agent')}${extension}`,
      ),
    );
  }
  if (firstTime) lines.push(row('', dim(`Kept in ${config.paths.firstRun}, readable by you alone.`)));
  const phones = Object.entries(demo.users).filter(([, user]) => user.sipPassword);
  const sip = `${config.address}:${config.sipPort}`;
  lines.push(
    '',
    row('Dial', `${demo.dids.main} → Main line, ${demo.dids.sales} → Sales, ${demo.dids.support} → Support`),
  );
  lines.push(
    row(
      '',
      dim(
        `by an INVITE from this machine to ${demo.trunk.host}:${demo.trunk.port}, or: npm run strongroom -- demo call --to ${demo.dids.main} --press 2`,
      ),
    ),
  );
  for (const [index, [name, user]] of phones.entries()) {
    const secret = firstTime ? user.sipPassword : dim('(see first-run.json)');
    lines.push(row(index === 0 ? 'Phones' : '', `${user.extension} for ${name}, server ${sip}, password ${secret}`));
  }
  return lines;
}

function row(title: string, text: string): string {
  return `  ${title.padEnd(8)} ${text}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
