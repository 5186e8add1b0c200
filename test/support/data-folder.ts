import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeTcpPort, freeUdpPort } from './ports.ts';

export interface TestDataFolder {
  /** Not made yet: a data folder as npm start finds it the first time. */
  dataDir: string;
  /** Ports of its own for everything, as environment. */
  env: Record<string, string>;
  remove(): void;
}

/** Room for a whole instance of its own, beside whatever runs on this machine. */
export async function testDataFolder(): Promise<TestDataFolder> {
  const parent = mkdtempSync(join(tmpdir(), 'strongroom-data-'));
  // The accounts of PostgreSQL and Redis must get through when we are root.
  chmodSync(parent, 0o711);
  const dataDir = join(parent, 'var');
  const rtpFrom = 50_000 + Math.floor(Math.random() * 70) * 200;
  const tcp = await Promise.all(Array.from({ length: 6 }, freeTcpPort));
  return {
    dataDir,
    env: {
      STRONGROOM_DATA: dataDir,
      STRONGROOM_BIND: '127.0.0.1',
      STRONGROOM_ADDRESS: '127.0.0.1',
      STRONGROOM_HTTPS_PORT: String(tcp[0]),
      STRONGROOM_HTTP_PORT: String(tcp[1]),
      STRONGROOM_SIP_PORT: String(tcp[2]),
      STRONGROOM_SIP_TLS_PORT: String(tcp[3]),
      STRONGROOM_POSTGRES_PORT: String(tcp[4]),
      STRONGROOM_REDIS_PORT: String(tcp[5]),
      STRONGROOM_RTPENGINE_PORT: String(await freeUdpPort()),
      STRONGROOM_RTP_PORTS: `${rtpFrom}-${rtpFrom + 99}`,
      STRONGROOM_EDGE_PORTS: `${rtpFrom + 100}-${rtpFrom + 199}`,
    },
    remove: () => rmSync(parent, { recursive: true, force: true }),
  };
}
