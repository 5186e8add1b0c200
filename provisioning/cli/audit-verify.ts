import { join } from 'node:path';
import { fileHead, verifyAudit } from '#appliance/security/index.ts';
import type { Command } from './command.ts';
import type { CliContext } from './context.ts';

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'Check the whole audit chain for changes, gaps and a cut-off end',
  async run({ context }) {
    const report = await verifyAudit(await context.db(), { head: auditHead(context) });
    if (report.ok) {
      context.print(
        `The audit chain is whole: ${report.entries} entries${report.head ? `, the last is ${report.head.hash}` : ''}.`,
      );
      return 0;
    }
    context.print(`The audit chain is broken at entry ${report.broken.seq}: ${report.broken.sentence}`);
    return 1;
  },
};

function auditHead({ config, secrets }: CliContext) {
  return fileHead({ file: join(config.dataDir, 'audit-head.json'), key: secrets().derive('audit-head') });
}
