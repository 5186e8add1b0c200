import { spawnSync } from 'node:child_process';

/** Runs openssl and returns its standard output. */
export function openssl(args: string[], input = ''): string {
  const result = spawnSync('openssl', args, { input, encoding: 'utf8' });
  if (result.error) throw new Error(`openssl could not be started (${result.error.message}): apt-get install openssl`);
  if (result.status !== 0) throw new Error(`openssl ${args[0]} failed: ${result.stderr.trim().split('\n').at(-1)}`);
  return result.stdout;
}

/** A new EC P-256 private key as PEM. */
export function newKey(): string {
  return openssl(['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']);
}
