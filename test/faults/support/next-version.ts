import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Instance } from '#test/support/instance.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PARTS = ['appliance', 'migrations', 'provisioning', 'package.json', 'ui/build'];
const MIGRATION = '29991231000000_add_next_version.ts';
const TABLES = `
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(\`create table next_version (id uuid primary key default gen_random_uuid())\`);
  await knex.raw(\`alter table queue_entry add column next_version text\`);
}

export async function down(): Promise<void> {}
`;

/** The program as installed, in a folder of its own, where the next version can take its place under running processes. */
export class InstalledTree {
  readonly root = mkdtempSync(join(tmpdir(), 'strongroom-tree-'));

  constructor() {
    chmodSync(this.root, 0o755);
    for (const part of PARTS) {
      const from = join(ROOT, part);
      if (existsSync(from)) cpSync(from, join(this.root, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(this.root, 'node_modules'));
  }

  /** As a package's upgrade does: new files in place of the old ones, then the tables; roles still run the old program. */
  async upgrade(instance: Instance): Promise<string> {
    const file = join(this.root, 'package.json');
    const parts = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    const version = `${parts.version}-next`;
    writeFileSync(file, JSON.stringify({ ...parts, version }));
    writeFileSync(join(this.root, 'migrations', MIGRATION), TABLES);
    await promisify(execFile)(process.execPath, [join(this.root, 'provisioning/cli/main.ts'), 'migrate'], {
      cwd: this.root,
      env: { PATH: process.env.PATH, ...instance.env },
    });
    return version;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
