import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backup, productVersion, sizeOf } from '../backup/backup.ts';
import type { Restored } from '../backup/restore.ts';
import { restore } from '../backup/restore.ts';
import { Problem } from '../supervisor/problem.ts';
import type { Command } from './command.ts';
import type { CliContext } from './context.ts';

export const backupCommand: Command = {
  name: 'backup',
  args: '[FILE]',
  summary: 'Write everything into one file: database, recordings, prompts, keys; calls go on',
  options: { verify: { type: 'boolean' } },
  help: { verify: 'restore the file into a scratch folder and compare, then throw that away' },
  async run({ args, values, context }) {
    const stamp = new Date().toISOString().slice(0, 16).replace(/[-:]/g, '').replace('T', '-');
    const to = context.path(args[0] ?? `strongroom-${stamp}.tar.gz`);
    const manifest = await backup({ config: context.config, db: await context.db(), to, version: productVersion() });
    const rows = Object.values(manifest.rows).reduce((sum, count) => sum + count, 0);
    context.print(`${to}: ${sizeOf(to)}, ${rows} rows, ${Object.keys(manifest.files).length} files.`);
    context.print('It holds the keys of this box: keep it as safe as the box itself.');
    if (!values.verify) return 0;
    return verify(to, context);
  },
};

export const restoreCommand: Command = {
  name: 'restore',
  args: 'FILE',
  summary: 'Make a data folder from a backup and prove that nothing is missing',
  options: { to: { type: 'string' }, verify: { type: 'boolean' } },
  help: { to: 'the new data folder; without it STRONGROOM_DATA', verify: 'only try it in a scratch folder' },
  async run({ args, values, context }) {
    const [file] = args;
    if (!file) throw new Problem('Give the file that strongroom backup wrote.');
    if (values.verify) return verify(context.path(file), context);
    const dataDir = values.to === undefined ? context.config.dataDir : context.path(String(values.to));
    const result = await restore({ file: context.path(file), dataDir, env: process.env });
    return report(result, context, `${dataDir} is restored. Start it: STRONGROOM_DATA=${dataDir} npm start`);
  },
};

async function verify(file: string, context: CliContext): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), 'strongroom-verify-'));
  // PostgreSQL's account must get through; what lies inside is closed again.
  chmodSync(scratch, 0o711);
  try {
    // A cluster of its own beside the one that runs: nothing of the configured services, and a port nobody has.
    const env = { PATH: process.env.PATH, STRONGROOM_POSTGRES_PORT: String(await freePort()) };
    const result = await restore({ file, dataDir: join(scratch, 'data'), env });
    return report(result, context, 'The backup was restored into a scratch folder: every file and every row is there.');
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function report({ manifest, problems }: Restored, context: CliContext, good: string): number {
  context.print(`Backup of ${manifest.createdAt} by version ${manifest.version}.`);
  for (const problem of problems) context.print(problem);
  context.print(problems.length === 0 ? good : 'The backup cannot be relied on.');
  return problems.length === 0 ? 0 : 1;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
