// Checks who imports whom; docs/architecture.md draws it. `node .ci/boundaries.ts [root]` prints each forbidden import and fails.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** Domains from low to high: each may import those of lower lines only. */
const DOMAIN_ORDER = [
  ['security'],
  ['agents', 'customers', 'knowledge', 'edge'],
  ['interactions'],
  ['cases'],
  ['routing'],
  ['channels'],
  ['flows'],
  ['recordings'],
  ['quality', 'analytics', 'outbound', 'workforce', 'surveys', 'integrations'],
  ['reporting'],
];
const LEVEL = new Map(DOMAIN_ORDER.flatMap((names, level) => names.map((name) => [name, level] as const)));
/** Files by which a domain speaks to the outside; only they see http and realtime. */
const DOOR = /(^|[-/])(routes|feed|jobs)\.ts$/;
const BASE = ['kernel', 'contract', 'platform'];
const SIGNALLING = ['telephony/sip', 'telephony/sdp', 'telephony/media'];

/** Rooms that are no domains: what each may import besides itself. `npm`: may it use packages. */
const ROOMS: Record<string, { may: string[]; npm: boolean }> = {
  kernel: { may: [], npm: false },
  contract: { may: [], npm: true },
  platform: { may: ['kernel', 'contract'], npm: true },
  'telephony/sip': { may: ['kernel'], npm: true },
  'telephony/sdp': { may: ['kernel'], npm: true },
  'telephony/media': { may: ['kernel'], npm: true },
  // Calls are the top of telephony: they ring phones where the registrar saw them, and leave through trunks.
  'telephony/calls': {
    may: [...BASE, ...SIGNALLING, 'telephony/trunks', 'telephony/registrar', 'telephony/phones'],
    npm: true,
  },
  'telephony/trunks': { may: [...BASE, ...SIGNALLING], npm: true },
  'telephony/registrar': { may: [...BASE, ...SIGNALLING, 'telephony/phones'], npm: true },
  'telephony/subscriptions': {
    may: [...BASE, ...SIGNALLING, 'telephony/registrar', 'telephony/phones'],
    npm: true,
  },
  'telephony/guard': { may: [...BASE, ...SIGNALLING], npm: true },
  'telephony/trace': { may: [...BASE, ...SIGNALLING], npm: true },
  'telephony/phones': { may: [...BASE, ...SIGNALLING], npm: true },
  'telephony/emergency': { may: [...BASE, ...SIGNALLING], npm: true },
  http: { may: [...BASE, 'security'], npm: true },
  realtime: { may: [...BASE, 'security', 'http'], npm: true },
  gateway: { may: ['kernel', 'contract'], npm: true },
  ui: { may: ['contract'], npm: true },
  migrations: { may: [], npm: true },
};
/** These wire or prove the whole. */
const SEES_ALL = new Set(['roles', 'provisioning', 'test', '.ci']);

export interface Violation {
  file: string;
  imported: string;
  why: string;
}

/** The room that a path of the repository lies in: `kernel`, `telephony/sip`, `routing`, `ui`, … */
export function roomOf(path: string): string | undefined {
  const parts = path.split('/');
  if (parts[0] !== 'appliance') return parts.length > 1 ? parts[0] : undefined;
  if (parts[1] === 'telephony') return `telephony/${parts[2]}`;
  return parts[1] === 'main.ts' ? 'roles' : parts[1];
}

/** Why `file` may not import `target` (a path, or the name of a package); undefined when it may. */
export function refusal(file: string, target: string, isPackage: boolean): string | undefined {
  const from = roomOf(file);
  if (from === undefined || SEES_ALL.has(from) || /\.test\.ts$|\/testing\.ts$|\/bench\//.test(file)) return undefined;
  const room = ROOMS[from];
  if (isPackage) return room && !room.npm ? `${from} uses no packages` : undefined;
  const to = roomOf(target);
  if (to === from || to === undefined) return undefined;
  if (to === 'test') return 'only tests use test/support';
  if (room) {
    if (!room.may.includes(to)) return `${from} may not know ${to}`;
    return LEVEL.has(to) ? throughTheDoor(to, target) : undefined;
  }
  const level = LEVEL.get(from);
  if (level === undefined) return `${from} is no room of the house: add it to .ci/boundaries.ts`;
  if (BASE.includes(to)) return undefined;
  if (to === 'http' || to === 'realtime') {
    return DOOR.test(file) ? undefined : `only routes, feed and jobs files of ${from} may know ${to}`;
  }
  if (to.startsWith('telephony/')) {
    return from === 'channels' || from === 'recordings' || from === 'flows' ? undefined : `${from} may not know ${to}`;
  }
  const other = LEVEL.get(to);
  if (other === undefined) return `${from} may not know ${to}`;
  if (other >= level) return `${from} may not know ${to}: it is not below it; define a port, roles/ wires it`;
  return throughTheDoor(to, target);
}

function throughTheDoor(room: string, target: string): string | undefined {
  const doors = [`appliance/${room}/index.ts`];
  // A channel is a domain of its own below channels/.
  const inside = /^appliance\/channels\/([^/]+)\//.exec(target)?.[1];
  if (inside) doors.push(`appliance/channels/${inside}/index.ts`);
  return doors.includes(target) ? undefined : `${room} is entered through its index.ts`;
}

/** All forbidden imports below `root`. */
export function check(root: string): Violation[] {
  const files = globSync(['appliance/**/*.ts', 'gateway/**/*.ts', 'migrations/*.ts', 'ui/src/**/*.{ts,svelte}'], {
    cwd: root,
    exclude: (path) => /(^|\/)(node_modules|paraglide|build)$/.test(path),
  });
  return files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return importsOf(text).flatMap((specifier): Violation[] => {
      if (specifier.startsWith('node:')) return [];
      const inside = specifier.startsWith('.') || specifier.startsWith('#');
      const target = specifier.startsWith('#')
        ? specifier.slice(1)
        : inside
          ? posix.join(dirname(file), specifier)
          : specifier;
      // SvelteKit's own names, and #lib for ui/src/lib.
      if (specifier.startsWith('$') || specifier.startsWith('#lib/')) return [];
      const why = refusal(file, target, !inside);
      return why ? [{ file, imported: specifier, why }] : [];
    });
  });
}

/** What stands after from, import and import( in a source text. */
export function importsOf(text: string): string[] {
  const pattern =
    /(?:^|[;}\s])(?:import|export)\s[^'";]*?from\s*['"]([^'"]+)['"]|(?:^|[;}\s])import\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;
  return [...text.matchAll(pattern)].map((match) => (match[1] ?? match[2] ?? match[3])!);
}

if (import.meta.main) {
  const root = process.argv[2] ?? join(import.meta.dirname, '..');
  const violations = check(root);
  for (const { file, imported, why } of violations) process.stdout.write(`${file}\n  imports ${imported}: ${why}\n`);
  process.stdout.write(violations.length === 0 ? 'Boundaries hold.\n' : `${violations.length} forbidden imports\n`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
