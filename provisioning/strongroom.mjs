// The strongroom command: runs provisioning/cli under Node 26.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { become, NODE, ROOT, toolEnv } from './setup/run.mjs';

if (!existsSync(NODE)) {
  process.stderr.write('Strongroom is not set up in this folder yet: run npm start once, or npm ci.\n');
  process.exit(1);
}
// Paths given on the command line are the caller's.
const from = process.env.INIT_CWD ?? process.cwd();
become(
  NODE,
  [join(ROOT, 'provisioning/cli/main.ts'), ...process.argv.slice(2)],
  toolEnv({ STRONGROOM_SETUP_CWD: from }),
);
