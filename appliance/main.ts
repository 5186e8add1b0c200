// main.ts <role>: one process of the appliance. `all` runs every role in this one process, for a small machine or a debugger.
import { ConfigError, loadConfig } from './platform/config/index.ts';
import { createLog } from './platform/log/index.ts';
import type { Role } from './roles/context.ts';
import { ROLES } from './roles/context.ts';
import { runRoles } from './roles/run.ts';

/** sysexits.h EX_USAGE and EX_CONFIG: a supervisor need not try again. */
const EXIT_USAGE = 64;
const EXIT_CONFIG = 78;

const [name = ''] = process.argv.slice(2);
const roles: readonly Role[] = name === 'all' ? ROLES : ROLES.filter((role) => role === name);

if (roles.length === 0) {
  process.stderr.write(`Usage: node appliance/main.ts ${ROLES.join('|')}|all\n`);
  process.exitCode = EXIT_USAGE;
} else {
  try {
    const config = loadConfig();
    const log = createLog({ role: name, level: config.logLevel, instance: config.instance });
    await runRoles(roles, config, log);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = EXIT_CONFIG;
  }
}
