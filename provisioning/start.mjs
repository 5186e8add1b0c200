// npm start: sets up what is missing, then runs the supervisor. `npm start -- --empty` leaves the demo data out.
import { join } from 'node:path';
import { setUp } from './setup/index.mjs';
import { become, NODE, ROOT, toolEnv } from './setup/run.mjs';
import { giveUp } from './setup/say.mjs';

const startedAt = Date.now();
const known = ['--empty'];
const unknown = process.argv.slice(2).find((word) => !known.includes(word));
if (unknown) {
  process.stderr.write(`npm start does not know ${unknown}; it knows --empty.\n`);
  process.exit(64);
}

try {
  await setUp();
  become(
    NODE,
    [join(ROOT, 'provisioning/supervisor/main.ts'), ...process.argv.slice(2)],
    toolEnv({
      STRONGROOM_SETUP_STARTED_AT: String(startedAt),
      // Compiled code is kept, so that the next start is quicker.
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(ROOT, 'node_modules/.cache/node'),
    }),
  );
} catch (error) {
  giveUp(error);
}
