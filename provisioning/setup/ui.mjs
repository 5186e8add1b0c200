import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE, ROOT, run, toolEnv } from './run.mjs';
import { Problem, step } from './say.mjs';

const STAMP = join(ROOT, 'ui/build/.stamp');
/** What a build makes itself (inlang writes several files beside its settings), and what it does not read. */
const MADE = ['build', '.svelte-kit', 'node_modules', 'paraglide', 'cache', '.lix', '.meta.json', '.gitignore'];
const NOT_SOURCES = new Set([...MADE, 'mock', 'README.md']);

/** Builds the user interface when it is missing or its sources have changed. */
export async function ensureUi() {
  if (!existsSync(join(ROOT, 'ui/vite.config.ts'))) return;
  const hash = sourcesHash();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash) return;
  await step('Building the user interface', async () => {
    try {
      await run(NODE, [join(ROOT, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'], {
        cwd: join(ROOT, 'ui'),
        env: toolEnv(),
      });
    } catch (error) {
      throw new Problem(
        `The user interface could not be built:\n${String(error.output ?? error.message)
          .split('\n')
          .slice(-15)
          .join('\n')}`,
      );
    }
  });
  writeFileSync(STAMP, hash);
}

function sourcesHash() {
  const hash = createHash('sha256').update(readFileSync(join(ROOT, 'package-lock.json')));
  const walk = (dir) => {
    for (const name of readdirSync(dir).sort()) {
      const path = join(dir, name);
      if (NOT_SOURCES.has(name)) continue;
      if (statSync(path).isDirectory()) walk(path);
      else hash.update(path.slice(ROOT.length)).update(readFileSync(path));
    }
  };
  walk(join(ROOT, 'ui'));
  // The pages share these types and texts with the appliance.
  walk(join(ROOT, 'appliance/contract'));
  return hash.digest('hex');
}
