import { lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadConfig } from '#appliance/platform/config/index.ts';
import { unprivilegedAccount } from '../services/child.ts';
import { makeDataFolder } from './data-folder.ts';

const left: string[] = [];
afterEach(() => {
  for (const dir of left.splice(0)) rmSync(dir, { recursive: true, force: true });
});

describe.skipIf(process.getuid!() !== 0)('a clone where other accounts cannot enter, such as below /root', () => {
  it('has its data in /var/lib/strongroom, reached through ./var', () => {
    const home = mkdtempSync(join(tmpdir(), 'closed-'));
    left.push(home);
    const dataDir = join(home, 'clone', 'var');
    mkdirSync(join(home, 'clone'));
    const account = unprivilegedAccount(['postgres', 'nobody'])!;

    const { movedTo } = makeDataFolder(dataDir, [account]);
    left.push(movedTo!);
    expect(movedTo).toMatch(/^\/var\/lib\/strongroom\//);
    expect(lstatSync(dataDir).isSymbolicLink()).toBe(true);
    expect(statSync(realpathSync(dataDir)).isDirectory()).toBe(true);
    expect(loadConfig({ STRONGROOM_DATA: dataDir }).dataDir, 'every path avoids the closed door').toBe(movedTo);
    expect(makeDataFolder(dataDir, [account]), 'and stays there').toEqual({});
  });
});
