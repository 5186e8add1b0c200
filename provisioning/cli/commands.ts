import { auditVerify } from './audit-verify.ts';
import { backupCommand, restoreCommand } from './backup.ts';
import { certificates } from './certificates.ts';
import type { Command } from './command.ts';
import { demoCall } from './demo-call.ts';
import { doctor } from './doctor.ts';
import { flowRun } from './flow-run.ts';
import { migrateCommand } from './migrate.ts';
import { trace } from './trace.ts';
import { userAdd, userList, userPassword } from './user.ts';

/** Everything that `strongroom` can do, in the order of help. A new command is a file and a line here. */
export const COMMANDS: readonly Command[] = [
  doctor,
  migrateCommand,
  certificates,
  userList,
  userAdd,
  userPassword,
  demoCall,
  flowRun,
  trace,
  backupCommand,
  restoreCommand,
  auditVerify,
];
