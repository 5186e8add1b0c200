import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { has, NODE, ROOT, run } from './run.mjs';
import { Problem, step } from './say.mjs';

/** Runs `npm ci` when node_modules is missing or is not what package-lock.json says. */
export async function ensureNodeModules() {
  if (matchesLock()) return;
  const npm = process.env.npm_execpath;
  if (!npm && !has('npm')) throw new Problem('npm is not installed: apt-get install npm');
  await step('Installing npm packages', async () => {
    try {
      const args = ['ci', '--no-audit', '--no-fund', '--prefer-offline'];
      if (npm) await run(process.execPath, [npm, ...args], { env: cleanEnv() });
      else await run('npm', args, { env: cleanEnv() });
    } catch (error) {
      const lines = String(error.output ?? error.message)
        .split('\n')
        .filter((line) => /npm (error|ERR!)/.test(line));
      throw new Problem(`npm could not install the packages: ${lines.slice(0, 6).join(' ') || error.message}`);
    }
  });
  if (!existsSync(NODE)) throw new Problem('Node 26 is not in node_modules: delete node_modules and start again.');
}

/** What npm wrote about node_modules names the same versions as the lock file. */
export function matchesLock() {
  const read = (file) => JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages;
  if (!existsSync(NODE) || !existsSync(join(ROOT, 'node_modules/.package-lock.json'))) return false;
  const wanted = read('package-lock.json');
  const found = read('node_modules/.package-lock.json');
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.optional || entry.link) return true;
    return found[path]?.version === entry.version;
  });
}

/** npm hands its own settings to its scripts; a nested npm must read its own. */
function cleanEnv() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(config_(loglevel|user_agent)|lifecycle|package)/i.test(name),
    ),
  );
}
