import { tmpdir } from 'node:os';
import { messageOf } from '#appliance/kernel/errors.ts';
import { backup, productVersion, sizeOf } from '../backup/backup.ts';
import { recordBackup, rowsOf } from '../backup/record.ts';
import type { Restored } from '../backup/restore.ts';
import { restore } from '../backup/restore.ts';
import { verify } from '../backup/verify.ts';
import { Problem } from '../supervisor/problem.ts';
import type { Command } from './command.ts';
import type { CliContext } from './context.ts';

const GOOD = 'The backup was restored into a scratch folder: every file and every row is there.';

export const backupCommand: Command = {
  name: 'backup',
  args: '[FILE]',
  summary: 'Write everything into one file: database, recordings, prompts, keys; calls go on',
  options: { verify: { type: 'boolean' }, json: { type: 'boolean' }, scratch: { type: 'string' } },
  help: {
    verify: 'restore the file into a scratch folder and compare, then throw that away',
    json: 'tell progress and result in lines of JSON, and leave the record of it to the caller',
    scratch: 'where the scratch folder is made',
  },
  async run({ args, values, context }) {
    const stamp = new Date().toISOString().slice(0, 16).replace(/[-:]/g, '').replace('T', '-');
    const to = context.path(args[0] ?? `strongroom-${stamp}.tar.gz`);
    const tell = (line: object) => values.json && context.print(JSON.stringify(line));
    const startedAt = new Date();
    const db = await context.db();
    const part = values.verify ? 0.7 : 1;
    const manifest = await backup({
      config: context.config,
      db,
      to,
      version: productVersion(),
      onprogress: (stage, share) => void tell({ stage, share: share * part }),
    });
    if (values.verify) tell({ stage: 'verify', share: part });
    const result = values.verify ? await verify(to, { within: scratchOf(values.scratch) }) : undefined;
    const verified = result ? result.problems.length === 0 : null;
    if (values.json) {
      tell({ rows: rowsOf(manifest), verified, problems: result?.problems ?? [] });
      return 0;
    }
    await recordBackup(db, { file: to, manifest, startedAt, verified, problems: result?.problems ?? [] }).catch(
      (error) => context.print(`The box could not note that it has a backup: ${messageOf(error)}`),
    );
    context.print(`${to}: ${sizeOf(to)}, ${rowsOf(manifest)} rows, ${Object.keys(manifest.files).length} files.`);
    context.print('It holds the keys of this box: keep it as safe as the box itself.');
    return result ? report(result, context, GOOD) : 0;
  },
};

export const restoreCommand: Command = {
  name: 'restore',
  args: 'FILE',
  summary: 'Make a data folder from a backup and prove that nothing is missing',
  options: {
    to: { type: 'string' },
    verify: { type: 'boolean' },
    json: { type: 'boolean' },
    scratch: { type: 'string' },
  },
  help: {
    to: 'the new data folder; without it STRONGROOM_DATA',
    verify: 'only try it in a scratch folder',
    json: 'with --verify: tell the result as JSON',
    scratch: 'where the scratch folder is made',
  },
  async run({ args, values, context }) {
    const [name] = args;
    if (!name) throw new Problem('Give the file that strongroom backup wrote.');
    const file = context.path(name);
    if (values.verify) {
      const result = await verify(file, { within: scratchOf(values.scratch) });
      if (!values.json) return report(result, context, GOOD);
      const { manifest, problems } = result;
      context.print(JSON.stringify({ rows: rowsOf(manifest), verified: problems.length === 0, problems }));
      return 0;
    }
    const dataDir = values.to === undefined ? context.config.dataDir : context.path(String(values.to));
    const result = await restore({ file, dataDir, env: process.env });
    return report(result, context, `${dataDir} is restored. Start it: STRONGROOM_DATA=${dataDir} npm start`);
  },
};

const scratchOf = (value: unknown): string => (typeof value === 'string' ? value : tmpdir());

function report({ manifest, problems }: Restored, context: CliContext, good: string): number {
  context.print(`Backup of ${manifest.createdAt} by version ${manifest.version}.`);
  for (const problem of problems) context.print(problem);
  context.print(problems.length === 0 ? good : 'The backup cannot be relied on.');
  return problems.length === 0 ? 0 : 1;
}
