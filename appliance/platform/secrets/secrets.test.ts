import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openKeyRing, openSecrets } from './index.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'strongroom-keys-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test('a sealed secret opens again after a restart, each time sealed differently', () => {
  const sealed = openSecrets(dir).seal('s3cret', 'trunk:1');
  expect(sealed).not.toContain('s3cret');
  expect(openSecrets(dir).seal('s3cret', 'trunk:1')).not.toBe(sealed);
  expect(openSecrets(dir).open(sealed, 'trunk:1')).toBe('s3cret');
});

test('a secret moved to another row, changed, or of another box does not open', () => {
  const secrets = openSecrets(dir);
  const sealed = secrets.seal('s3cret', 'trunk:1');
  for (const attempt of [
    () => secrets.open(sealed, 'trunk:2'),
    () => secrets.open(`${sealed.slice(0, -4)}AAAA`, 'trunk:1'),
    () => secrets.open('', 'trunk:1'),
    () => openSecrets(join(dir, 'other')).open(sealed, 'trunk:1'),
  ]) {
    expect(attempt).toThrow(expect.objectContaining({ code: 'secret-unreadable' }));
  }
});

test('the box key is readable by its owner alone, also when somebody opened it up', () => {
  openSecrets(dir);
  const file = join(dir, 'box.key');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  chmodSync(file, 0o644);
  openSecrets(dir);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('keys for different purposes differ and stay the same', () => {
  const secrets = openSecrets(dir);
  expect(secrets.derive('audit').equals(openSecrets(dir).derive('audit'))).toBe(true);
  expect(secrets.derive('audit').equals(secrets.derive('session'))).toBe(false);
});

test('a data key that is not on this box is named', () => {
  expect(() => openKeyRing(dir).get('recording', '7')).toThrow(/recording.7 is not on this box/);
  expect(() => openKeyRing(dir).get('recording', '../../box')).toThrow(/not on this box/);
});
