// Which of our addresses a peer reaches us at: the source address the kernel would choose towards it.
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

const CACHE_MS = 10_000;

type Route = { device: string; net: number; mask: number; metric: number };

/** `now` in milliseconds. Interfaces and routes are read again every ten seconds. */
export function createLocalAddress(now: () => number = Date.now): (remote: string) => string {
  let readAt = Number.NEGATIVE_INFINITY;
  let cache = new Map<string, string>();
  let interfaces: ReturnType<typeof networkInterfaces> = {};
  let routes: Route[] = [];

  return (remote) => {
    if (now() - readAt > CACHE_MS) {
      readAt = now();
      cache = new Map();
      interfaces = networkInterfaces();
      routes = readRoutes();
    }
    let local = cache.get(remote);
    if (local === undefined) {
      local = isIPv6(remote) ? localV6(remote, interfaces) : localV4(remote, interfaces, routes);
      if (cache.size < 10_000) cache.set(remote, local);
    }
    return local;
  };
}

function localV4(remote: string, interfaces: ReturnType<typeof networkInterfaces>, routes: Route[]): string {
  if (remote.startsWith('127.')) return '127.0.0.1';
  const address = numberOf(remote);
  for (const list of Object.values(interfaces)) {
    for (const own of list ?? []) {
      if (own.family !== 'IPv4') continue;
      if (own.address === remote) return remote;
      const mask = numberOf(own.netmask);
      if (!own.internal && (numberOf(own.address) & mask) === (address & mask)) return own.address;
    }
  }
  let best: Route | undefined;
  for (const route of routes) {
    if ((address & route.mask) !== route.net) continue;
    const longer = !best || route.mask >>> 0 > best.mask >>> 0;
    if (longer || (route.mask === best!.mask && route.metric < best!.metric)) best = route;
  }
  return first(interfaces, 'IPv4', best?.device) ?? first(interfaces, 'IPv4') ?? '127.0.0.1';
}

function localV6(remote: string, interfaces: ReturnType<typeof networkInterfaces>): string {
  if (remote === '::1') return '::1';
  const linkLocal = remote.toLowerCase().startsWith('fe80:');
  for (const list of Object.values(interfaces)) {
    for (const own of list ?? []) {
      if (own.family !== 'IPv6' || own.internal) continue;
      if (own.address.startsWith('fe80:') === linkLocal) return own.address;
    }
  }
  return '::1';
}

function first(interfaces: ReturnType<typeof networkInterfaces>, family: string, device?: string): string | undefined {
  for (const [name, list] of Object.entries(interfaces)) {
    if (device !== undefined && name !== device) continue;
    for (const own of list ?? []) if (own.family === family && !own.internal) return own.address;
  }
  return undefined;
}

/** Linux's table of IPv4 routes; empty elsewhere. */
function readRoutes(): Route[] {
  let text: string;
  try {
    text = readFileSync('/proc/net/route', 'utf8');
  } catch {
    return [];
  }
  const routes: Route[] = [];
  for (const line of text.split('\n').slice(1)) {
    const [device, net, , flags, , , metric, mask] = line.split('\t');
    if (!device || !net || !mask || !(Number.parseInt(flags ?? '0', 16) & 1)) continue;
    routes.push({ device, net: swapped(net), mask: swapped(mask), metric: Number(metric) });
  }
  return routes;
}

/** The kernel prints addresses as little-endian words. */
function swapped(hex: string): number {
  return Buffer.from(hex, 'hex').readInt32LE(0);
}

function numberOf(address: string): number {
  let value = 0;
  for (const part of address.split('.')) value = (value << 8) | (Number(part) & 0xff);
  return value;
}
