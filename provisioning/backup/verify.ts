import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Restored, restore } from './restore.ts';

/** Restores a backup into a scratch folder, compares, and throws that away. `within` is where the scratch folder is made. */
export async function verify(file: string, { within = tmpdir() }: { within?: string } = {}): Promise<Restored> {
  const scratch = mkdtempSync(join(within, 'strongroom-verify-'));
  // PostgreSQL's account must get through; what lies inside is closed again.
  chmodSync(scratch, 0o711);
  try {
    // A cluster of its own beside the one that runs: nothing of the configured services, and a port nobody has.
    const env = { PATH: process.env.PATH, STRONGROOM_POSTGRES_PORT: String(await freePort()) };
    return await restore({ file, dataDir: join(scratch, 'data'), env });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
