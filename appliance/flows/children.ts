import { spawn } from 'node:child_process';

export interface ChildResult {
  code: number | null;
  stdout: Buffer;
  stderr: string;
  timedOut: boolean;
}

export interface ChildLimits {
  timeoutMs: number;
  /** More output than this and the child is ended. */
  maxOutputBytes: number;
  cpuS: number;
  memoryBytes: number;
}

/** Runs a helper on data from outside: bounded in time, memory, processor and output, with an empty environment. */
export function runBounded(command: string, args: string[], limits: ChildLimits, input?: Buffer): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const bounds = [
      `--cpu=${limits.cpuS}`,
      `--as=${limits.memoryBytes}`,
      `--fsize=${limits.maxOutputBytes}`,
      '--core=0',
    ];
    const child = spawn('prlimit', [...bounds, '--', command, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    });
    const out: Buffer[] = [];
    let size = 0;
    let stderr = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, limits.timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limits.maxOutputBytes) child.kill('SIGKILL');
      else out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < 4000) stderr += chunk.toString('utf8');
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout: Buffer.concat(out), stderr, timedOut });
    });
    child.stdin.on('error', () => {}); // it may end without reading everything
    child.stdin.end(input);
  });
}
