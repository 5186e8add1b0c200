// Answers of DNS kept for half a minute: a trunk by name costs its look-ups once, not per call.
import type { TransportName } from '../api.ts';
import type { SipUri } from '../message/uri.ts';
import { type Dns, resolve, systemDns, type Target } from './resolve.ts';

const KEEP_MS = 30_000;
const MAX_NAMES = 1000;

export function createResolver(
  has: (transport: TransportName) => boolean,
  now: () => number,
  dns: Dns = systemDns,
): (uri: SipUri) => Target[] | Promise<Target[]> {
  const known = new Map<string, { at: number; targets: Target[] }>();

  return (uri) => {
    const key = `${uri.scheme} ${uri.params?.maddr ?? uri.host} ${uri.port ?? ''} ${uri.params?.transport ?? ''}`;
    const cached = known.get(key);
    if (cached && now() - cached.at < KEEP_MS) return cached.targets;
    const found = resolve(uri, has, dns);
    if (Array.isArray(found)) return found;
    return found.then((targets) => {
      if (known.size >= MAX_NAMES) known.clear();
      if (targets.length > 0) known.set(key, { at: now(), targets });
      return targets;
    });
  };
}
