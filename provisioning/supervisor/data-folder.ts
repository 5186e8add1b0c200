import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '#appliance/kernel/errors.ts';
import type { DataPaths } from '#appliance/platform/config/index.ts';
import type { Account } from '../services/child.ts';
import { ownFolder } from '../services/child.ts';
import { Problem } from './problem.ts';

const NEEDED_BYTES = 1024 ** 3;

/**
 * Makes the data folder. As root, PostgreSQL runs as another account that must get through to it; where that account
 * cannot (a clone below /root), the folder is made in /var/lib/strongroom and `dataDir` points there.
 */
export function makeDataFolder(dataDir: string, accounts: Account[]): { movedTo?: string } {
  const blocked = accounts.find((account) => !canEnter(parentOf(dataDir), account));
  let movedTo: string | undefined;
  if (blocked && !isLink(dataDir)) {
    if (existsSync(dataDir) && readdirSync(dataDir).length > 0) {
      throw new Problem(
        `The account ${blocked.name}, which runs PostgreSQL, cannot enter ${dataDir}: move that folder below /var/lib and set STRONGROOM_DATA.`,
      );
    }
    const name = `${basename(dirname(dataDir))}-${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}`;
    movedTo = join('/var/lib/strongroom', name);
    ownFolder(dirname(movedTo), 0o755);
    if (existsSync(dataDir)) rmdirSync(dataDir);
    mkdirSync(movedTo, { recursive: true });
    symlinkSync(movedTo, dataDir);
  }
  try {
    // Others may pass through (PostgreSQL's account must) but not look around.
    ownFolder(dataDir, 0o711);
    accessSync(dataDir, constants.W_OK);
  } catch (error) {
    throw new Problem(
      `The data folder ${dataDir} cannot be written (${messageOf(error)}): set STRONGROOM_DATA to a folder of yours.`,
    );
  }
  const real = realpathSync(dataDir);
  const stillBlocked = accounts.find((account) => !canEnter(real, account));
  if (stillBlocked) {
    throw new Problem(
      `The account ${stillBlocked.name} cannot enter ${real}: set STRONGROOM_DATA to a folder below /var/lib.`,
    );
  }
  const free = statfsSync(dataDir);
  if (free.bavail * free.bsize < NEEDED_BYTES) {
    const mb = Math.round((free.bavail * free.bsize) / 1024 ** 2);
    throw new Problem(
      `Only ${mb} MB are free where ${dataDir} lies and 1 GB is needed: make room or set STRONGROOM_DATA to another disk.`,
    );
  }
  return movedTo ? { movedTo } : {};
}

export function makeSubfolders(paths: DataPaths): void {
  for (const path of [paths.keys, paths.files, paths.spool, paths.prompts, paths.log]) ownFolder(path, 0o700);
  ownFolder(paths.run, 0o711);
  // `run` may lie in /tmp, where somebody else could have made it first.
  if (statSync(paths.run).uid !== process.getuid?.())
    throw new Problem(`${paths.run} belongs to another user: remove it.`);
}

/** What the data folder remembers of its own making. */
export interface SetupState {
  createdBy: string;
  createdAt: string;
  demo: 'pending' | 'done' | 'none';
}

const stateFile = (dataDir: string) => join(dataDir, 'setup.json');

export function readSetupState(dataDir: string): SetupState | undefined {
  const file = stateFile(dataDir);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SetupState) : undefined;
}

export function writeSetupState(dataDir: string, state: SetupState): void {
  writeFileSync(stateFile(dataDir), `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
}

function canEnter(folder: string, account: Account): boolean {
  const args = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', 'test', '-x', folder];
  return spawnSync('setpriv', args).status === 0;
}

function parentOf(path: string): string {
  let parent = dirname(path);
  while (!existsSync(parent)) parent = dirname(parent);
  return parent;
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}
