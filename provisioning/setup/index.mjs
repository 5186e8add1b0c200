import { oneSetupAtATime } from './lock.mjs';
import { ensureNodeModules } from './node-modules.mjs';
import { ensurePackages } from './packages.mjs';
import { checkDisk, checkSystem } from './system.mjs';
import { ensureUi } from './ui.mjs';

/** From a fresh clone to everything that `npm start` or `npm test` needs. Where all is there it takes some milliseconds. */
export async function setUp({ forTests = false } = {}) {
  const system = checkSystem();
  checkDisk();
  await oneSetupAtATime(async () => {
    await ensurePackages(system, { forTests });
    await ensureNodeModules();
    await ensureUi();
  });
}
