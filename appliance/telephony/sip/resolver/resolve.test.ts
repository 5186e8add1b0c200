import { describe, expect, it } from 'vitest';
import { parseUri } from '../message/uri.ts';
import { orderSrv } from './records.ts';
import { type Dns, resolve, type Target } from './resolve.ts';

const none = () => Promise.reject(new Error('ENOTFOUND'));
const zone = (records: { naptr?: object; srv?: object; a?: Record<string, string[]> }): Dns => {
  const pick = (table: object | undefined, name: string) => (table as Record<string, never>)?.[name] ?? none();
  return {
    naptr: async (name) => pick(records.naptr, name),
    srv: async (name) => pick(records.srv, name),
    addresses: async (name) => pick(records.a, name),
  };
};
const ask = async (uri: string, dns: Dns = zone({}), has = ['udp', 'tcp', 'tls']) =>
  (
    await resolve(
      parseUri(uri),
      (transport) => has.includes(transport),
      dns,
      () => 0,
    )
  ).map(({ transport, address, port }: Target) => `${transport} ${address} ${port}`);

describe('where a URI leads', () => {
  it.each([
    ['sip:192.0.2.1', 'udp 192.0.2.1 5060'],
    ['sip:a@192.0.2.1:5070;transport=tcp', 'tcp 192.0.2.1 5070'],
    ['sips:192.0.2.1', 'tls 192.0.2.1 5061'],
    ['sip:192.0.2.1;transport=tls', 'tls 192.0.2.1 5061'],
    ['sip:[2001:db8::1]', 'udp 2001:db8::1 5060'],
    ['sip:example.com;maddr=192.0.2.9', 'udp 192.0.2.9 5060'],
  ])('%s leads to %s without DNS', async (uri, target) => {
    expect(await ask(uri)).toEqual([target]);
  });

  it('takes TCP where there is no UDP', async () => {
    expect(await ask('sip:192.0.2.1', undefined, ['tcp'])).toEqual(['tcp 192.0.2.1 5060']);
  });

  // RFC 3263 §4.1's example
  const example = zone({
    naptr: {
      'example.com': [
        {
          order: 50,
          preference: 50,
          flags: 's',
          service: 'SIPS+D2T',
          regexp: '',
          replacement: '_sips._tcp.example.com',
        },
        { order: 90, preference: 50, flags: 's', service: 'SIP+D2T', regexp: '', replacement: '_sip._tcp.example.com' },
        {
          order: 100,
          preference: 50,
          flags: 's',
          service: 'SIP+D2U',
          regexp: '',
          replacement: '_sip._udp.example.com',
        },
      ],
    },
    srv: {
      '_sip._tcp.example.com': [
        { priority: 1, weight: 1, port: 5060, name: 'two.example.com' },
        { priority: 0, weight: 1, port: 5062, name: 'one.example.com' },
      ],
      '_sip._udp.example.com': [{ priority: 0, weight: 0, port: 5066, name: 'one.example.com' }],
      '_sips._tcp.example.com': [{ priority: 0, weight: 0, port: 5071, name: 'one.example.com' }],
    },
    a: {
      'one.example.com': ['192.0.2.1', '2001:db8::1'],
      'two.example.com': ['192.0.2.2'],
      'example.com': ['192.0.2.3'],
    },
  });

  it('follows NAPTR and SRV in their order, over the transports we have', async () => {
    expect(await ask('sip:example.com', example, ['udp', 'tcp'])).toEqual([
      'tcp 192.0.2.1 5062',
      'tcp 2001:db8::1 5062',
      'tcp 192.0.2.2 5060',
      'udp 192.0.2.1 5066',
      'udp 2001:db8::1 5066',
    ]);
  });

  it('never leaves TLS for a sips URI', async () => {
    expect(await ask('sips:example.com', example)).toEqual(['tls 192.0.2.1 5071', 'tls 2001:db8::1 5071']);
  });

  it('asks for the host alone when there is a port', async () => {
    expect(await ask('sip:example.com:5080', example)).toEqual(['udp 192.0.2.3 5080']);
  });

  it('falls back to the address of the name', async () => {
    expect(await ask('sip:example.com', zone({ a: { 'example.com': ['192.0.2.3'] } }))).toEqual(['udp 192.0.2.3 5060']);
    expect(await ask('sip:nowhere.example.com')).toEqual([]);
  });

  it('draws by weight within one priority, and everybody is in the list', () => {
    const records = [10, 20, 70].map((weight) => ({ priority: 1, weight }));
    const firsts = new Map<number, number>();
    for (let i = 0; i < 1000; i++) {
      const ordered = orderSrv(records, () => (i * 0.618_033_988_75) % 1);
      expect(ordered).toHaveLength(3);
      firsts.set(ordered[0]!.weight, (firsts.get(ordered[0]!.weight) ?? 0) + 1);
    }
    expect(firsts.get(70)).toBeGreaterThan(600);
    expect(firsts.get(10)).toBeLessThan(200);
  });
});
