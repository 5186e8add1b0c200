// Ordering of NAPTR and SRV records: RFC 3263 §4.1-4.2, RFC 2782. Pure: the look-ups are in resolve.ts.
import type { NaptrRecord, SrvRecord } from 'node:dns';
import type { TransportName } from '../api.ts';

/** Transports a domain offers by NAPTR, in its order, of those we have; with the name to ask SRV for. */
export function naptrChoices(
  records: NaptrRecord[],
  secure: boolean,
  has: (transport: TransportName) => boolean,
): { transport: TransportName; name: string }[] {
  const services: Record<string, TransportName> = { 'sip+d2u': 'udp', 'sip+d2t': 'tcp', 'sips+d2t': 'tls' };
  return records
    .filter((record) => record.flags.toLowerCase() === 's' && record.replacement !== '')
    .sort((a, b) => a.order - b.order || a.preference - b.preference)
    .map((record) => ({ transport: services[record.service.toLowerCase()], name: record.replacement }))
    .filter((choice): choice is { transport: TransportName; name: string } => {
      // RFC 3263 §4.1: a sips URI never leaves TLS.
      return choice.transport !== undefined && has(choice.transport) && (!secure || choice.transport === 'tls');
    });
}

/** RFC 2782: by priority; within one, drawn by weight without putting back. `random` gives 0 <= x < 1. */
export function orderSrv<R extends Pick<SrvRecord, 'priority' | 'weight'>>(records: R[], random: () => number): R[] {
  const ordered: R[] = [];
  const byPriority = Map.groupBy(records, (record) => record.priority);
  for (const priority of [...byPriority.keys()].sort((a, b) => a - b)) {
    const rest = byPriority.get(priority)!.sort((a, b) => a.weight - b.weight);
    while (rest.length > 0) {
      const total = rest.reduce((sum, record) => sum + record.weight, 0);
      let left = Math.floor(random() * (total + 1));
      let at = 0;
      while (at < rest.length - 1 && left > rest[at]!.weight) left -= rest[at++]!.weight;
      ordered.push(...rest.splice(at, 1));
    }
  }
  return ordered;
}
