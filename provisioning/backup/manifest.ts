import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** What a backup says about itself, so that a restore can prove that nothing is missing. */
export interface Manifest {
  format: 1;
  product: 'strongroom';
  version: string;
  createdAt: string;
  postgresMajor: string;
  /** Rows per table in the very snapshot that was dumped. */
  rows: Record<string, number>;
  /** SHA-256 and size of every file. */
  files: Record<string, { sha256: string; bytes: number }>;
}

export async function describeFiles(dir: string): Promise<Manifest['files']> {
  const files: Manifest['files'] = {};
  for (const path of walk(dir)) {
    if (path === 'manifest.json') continue;
    files[path] = { sha256: await sha256(join(dir, path)), bytes: statSync(join(dir, path)).size };
  }
  return files;
}

/** Sentences about what differs from the manifest; none when all is there. */
export async function differences(dir: string, manifest: Manifest): Promise<string[]> {
  const found = await describeFiles(dir);
  const missing = Object.keys(manifest.files).filter((path) => !(path in found));
  const changed = Object.entries(manifest.files).filter(
    ([path, { sha256: hash }]) => found[path] && found[path].sha256 !== hash,
  );
  const added = Object.keys(found).filter((path) => !(path in manifest.files));
  return [
    ...missing.map((path) => `${path} is missing.`),
    ...changed.map(([path]) => `${path} is not what was backed up.`),
    ...added.map((path) => `${path} was not part of the backup.`),
  ];
}

function walk(dir: string): string[] {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort();
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
