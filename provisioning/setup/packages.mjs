import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { has, quietly } from './run.mjs';
import { bold, dim, Problem, step } from './say.mjs';

const postgresServer = () =>
  existsSync('/usr/lib/postgresql') &&
  readdirSync('/usr/lib/postgresql').some((version) => existsSync(`/usr/lib/postgresql/${version}/bin/initdb`));

/** What the product starts or calls. `service`: what Debian would start and enable by itself, which it must not. */
const PRODUCT = [
  { package: 'postgresql', found: postgresServer, unless: 'STRONGROOM_POSTGRES_URL', service: 'postgresql.service' },
  {
    package: 'redis-server',
    found: () => has('redis-server'),
    unless: 'STRONGROOM_REDIS_URL',
    service: 'redis-server.service',
  },
  {
    package: 'rtpengine-daemon',
    found: () => has('rtpengine'),
    unless: 'STRONGROOM_RTPENGINE_URL',
    service: 'rtpengine-daemon.service',
  },
  { package: 'ffmpeg', found: () => has('ffmpeg') },
  { package: 'espeak-ng', found: () => has('espeak-ng') },
  { package: 'openssl', found: () => has('openssl') },
];
/** Counterparts by others that the tests call with. */
const TESTS = [
  { package: 'postgresql', found: postgresServer, service: 'postgresql.service' },
  { package: 'redis-server', found: () => has('redis-server'), service: 'redis-server.service' },
  { package: 'rtpengine-daemon', found: () => has('rtpengine'), service: 'rtpengine-daemon.service' },
  { package: 'sip-tester', found: () => has('sipp') },
  { package: 'baresip-core', found: () => has('baresip') },
  { package: 'chromium', found: () => has('chromium') },
  { package: 'sox', found: () => has('sox') },
];

/** Installs what is missing; says what it does; touches no service that the machine runs. */
export async function ensurePackages(system, { forTests = false } = {}) {
  const wanted = [...new Map([...PRODUCT, ...(forTests ? TESTS : [])].map((one) => [one.package, one])).values()];
  const missing = wanted.filter((one) => !one.found() && !(one.unless && !forTests && process.env[one.unless]));
  if (missing.length === 0) return;
  const names = missing.map((one) => one.package);
  if (system.unsupported) {
    throw new Problem(`${system.unsupported}: install ${names.join(', ')} by its own means, or use a Debian machine.`);
  }
  const command = `apt-get install --no-install-recommends ${names.join(' ')}`;
  const root = await howToBeRoot(command);
  process.stdout.write(
    `Missing on this machine: ${bold(names.join(', '))}\n${dim(`Debian's packages are installed with apt-get; none of their services is started or enabled.`)}\n`,
  );
  await step(`Installing ${names.join(', ')}`, async () => {
    const script = installScript(
      names,
      missing.flatMap((one) => one.service ?? []),
    );
    const result = spawnSync(
      root[0] ?? 'sh',
      root.length > 0 ? [...root.slice(1), 'sh', '-c', script] : ['-c', script],
      {
        encoding: 'utf8',
        maxBuffer: 64 * 1024 ** 2,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    if (result.status !== 0) {
      const said = `${result.stdout ?? ''}\n${result.stderr ?? ''}`
        .split('\n')
        .filter((line) => /^(E:|W:|dpkg: error)/.test(line));
      throw new Problem(
        `apt-get could not install ${names.join(', ')}: ${said.join(' ') || 'no reason given'}. Try: ${command}`,
      );
    }
  });
  const still = missing.filter((one) => !one.found());
  if (still.length > 0)
    throw new Problem(
      `apt-get installed ${still.map((one) => one.package).join(', ')} but the programs are not there: ${command}`,
    );
}

/** Words to put before a command: none for root, sudo where it asks nothing or can ask. */
async function howToBeRoot(command) {
  if (process.getuid() === 0) return [];
  const remedy = `Some Debian packages are missing and this user may not install them. As root, run: ${command}`;
  if (!has('sudo')) throw new Problem(remedy);
  if (quietly('sudo', ['-n', 'true'])) return ['sudo', '-n'];
  if (!process.stdin.isTTY) throw new Problem(remedy);
  process.stdout.write(`Some Debian packages are missing; sudo may ask for your password to run: ${bold(command)}\n`);
  if (spawnSync('sudo', ['-v'], { stdio: 'inherit' }).status !== 0) throw new Problem(remedy);
  return ['sudo'];
}

/**
 * policy-rc.d keeps Debian's scripts from starting or restarting anything meanwhile; the createcluster setting keeps them
 * from making a PostgreSQL cluster nobody asked for; disabling keeps new services from starting at the next boot.
 * All of it is taken back, and none of it touches what was there before.
 */
export function installScript(names, services) {
  return `
set -e
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.d/strongroom-setup.conf
new=""
for unit in ${services.join(' ')}; do
  systemctl cat "$unit" >/dev/null 2>&1 || new="$new $unit"
done
undo() {
  if [ -n "$made_policy" ]; then rm -f "$policy"; fi
  rm -f "$cluster"
  rmdir --ignore-fail-on-non-empty /etc/postgresql-common/createcluster.d 2>/dev/null || true
}
trap undo EXIT
trap 'exit 1' INT TERM HUP
if [ ! -e "$policy" ]; then
  made_policy=1
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
mkdir -p /etc/postgresql-common/createcluster.d
printf 'create_main_cluster = false\\n' > "$cluster"
install() { apt-get -qq -y -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300 install --no-install-recommends ${names.join(' ')}; }
install || { apt-get -qq -o DPkg::Lock::Timeout=300 update; install; }
if [ -d /run/systemd/system ]; then
  for unit in $new; do systemctl disable "$unit" >/dev/null 2>&1 || true; done
fi
`;
}
