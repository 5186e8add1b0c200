// The backup itself is the command of the same name, in a process of its own: this one's event loop and memory have other work.
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startChild } from '#provisioning/services/child.ts';

const MAIN = fileURLToPath(new URL('../../../provisioning/cli/main.ts', import.meta.url));
/** Calls come first. */
const NICE = 10;

export interface BackupResult {
  rows: number;
  /** Null: not tried. */
  verified: boolean | null;
  problems: string[];
}

/** Resolves with what the command said at its end; rejects with its sentence when it failed. */
export async function runCli(
  args: string[],
  onprogress: (stage: string, share: number) => void,
  env: Record<string, string | undefined> = process.env,
): Promise<BackupResult> {
  let result: BackupResult | undefined;
  let said = '';
  let rest = '';
  const child = await startChild({
    command: process.execPath,
    args: [MAIN, ...args],
    env,
    deathSignal: 'TERM',
    onOutput(text) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) read(line);
    },
  });
  setPriority(child.pid, NICE);
  const how = await child.gone;
  read(rest);
  if (!result || !how.endsWith('code 0')) throw new Error(said.trim() || how);
  return result;

  function read(line: string): void {
    let told: { stage?: string; share?: number; rows?: number } & Partial<BackupResult>;
    try {
      told = JSON.parse(line);
    } catch {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal
      said = `${said} ${line.replace(/\u001b\[\d+m/g, '')}`.slice(-1000);
      return;
    }
    if (told.stage !== undefined) onprogress(told.stage, told.share ?? 0);
    else if (told.rows !== undefined)
      result = { rows: told.rows, verified: told.verified ?? null, problems: told.problems ?? [] };
  }
}
