// npm test: sets up what is missing, test counterparts included, then runs vitest with the words given after --.
import { join } from 'node:path';
import { setUp } from './setup/index.mjs';
import { become, NODE, ROOT, toolEnv } from './setup/run.mjs';
import { giveUp } from './setup/say.mjs';

try {
  await setUp({ forTests: true });
  // What a developer has set for an own instance must not reach the tests.
  const env = Object.fromEntries(
    Object.entries(toolEnv()).filter(
      ([name]) => !name.startsWith('STRONGROOM_') || /^STRONGROOM_(TEST|BENCH)_/.test(name),
    ),
  );
  become(NODE, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', ...process.argv.slice(2)], env);
} catch (error) {
  giveUp(error);
}
