// The sockets of a running switch while two people talk over it: mutated RTP, RTCP and STUN from a stranger and from one of the
// two. Afterwards they must hear each other, and the process be the same and no larger.
import { createSocket } from 'node:dgram';
import { readdirSync, readFileSync } from 'node:fs';
import { PCMA } from '#appliance/telephony/media/g711.ts';
import { Phone, wait } from '#appliance/telephony/media/testing/phone.ts';
import { testSwitch } from '#appliance/telephony/media/testing/switch.ts';
import type { Fuzzed } from './fuzz.ts';
import { generator, mutateBytes } from './random.ts';
import { rtcps, rtps, stuns } from './targets.ts';

const FIRST_PORT = 14_040;
/** Datagrams at once: more would be lost in the kernel before anybody reads them. */
const BURST = 50;
const CHECK_EVERY = 2500;
const HEARD_WITHIN_MS = 5000;
const GROWTH_MIB = 60;
const MAX_BYTES = 1600;

export async function fuzzLive(count: number, seed: number, firstPort = FIRST_PORT): Promise<Fuzzed> {
  const random = generator(seed);
  const rig = await testSwitch(firstPort, { legs: 4, ports: { first: firstPort, last: firstPort + 19 } });
  const hostile = new Phone(PCMA, [400]);
  const victim = new Phone(PCMA, [1000]);
  const stranger = createSocket('udp4');
  const result: Fuzzed = { taken: 0, findings: [] };
  try {
    const remote = (port: number) => ({ address: '127.0.0.1', port });
    const { media } = rig;
    const a = await media.createLeg({
      leg: 'A',
      codec: 'PCMA',
      telephoneEvent: 101,
      remote: remote(await hostile.open()),
    });
    const b = await media.createLeg({
      leg: 'B',
      codec: 'PCMA',
      telephoneEvent: 101,
      remote: remote(await victim.open()),
    });
    await media.route([
      { leg: 'A', hear: { kind: 'leg', leg: 'B' } },
      { leg: 'B', hear: { kind: 'leg', leg: 'A' } },
    ]);
    hostile.call(a.port);
    victim.call(b.port);
    await new Promise<void>((resolve) => stranger.bind(0, '127.0.0.2', resolve));

    const pid = rig.holder.activePid!;
    const figures = () => ({
      mib: Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
    });
    let warm: ReturnType<typeof figures> | undefined;
    let last: Buffer = Buffer.alloc(0);
    const look = async (at: number): Promise<void> => {
      const finding = (what: string) => result.findings.push({ at, what, input: last.toString('latin1') });
      if (rig.holder.deaths > 0 || rig.holder.activePid !== pid) return void finding('the switch died');
      // What came last has left its marks in the numbers: the party begins anew, as after a pause.
      hostile.seq += 4000;
      const until = performance.now() + HEARD_WITHIN_MS;
      while (victim.hears(200) !== '400' || hostile.hears(200) !== '1000') {
        if (performance.now() > until)
          return void finding(`they hear "${victim.hears(200)}" and "${hostile.hears(200)}" instead of each other`);
        await wait(20);
      }
      result.taken = (await media.stats('A'))?.received ?? 0;
    };

    await look(0);
    for (let at = 1; at <= count && result.findings.length === 0; at++) {
      const kind = random(10);
      last = mutateBytes(kind < 5 ? rtps : kind < 8 ? rtcps : stuns, random, MAX_BYTES);
      const toRtcp = kind >= 5 && kind < 8 && random(4) > 0;
      if (random(4) === 0) stranger.send(last, toRtcp ? a.port + 1 : a.port, '127.0.0.1');
      else if (toRtcp) hostile.rawRtcp(last);
      else hostile.raw(last);
      if (at % BURST === 0) await wait(1);
      if (at % CHECK_EVERY === 0 || at === count) await look(at);
      if (at === Math.ceil(count / 4)) warm = figures();
    }
    const after = figures();
    if (warm && after.mib - warm.mib > GROWTH_MIB)
      result.findings.push({
        at: count,
        what: `the switch grew by ${(after.mib - warm.mib).toFixed(0)} MiB`,
        input: '',
      });
    if (warm && after.descriptors !== warm.descriptors)
      result.findings.push({ at: count, what: `${after.descriptors - warm.descriptors} descriptors more`, input: '' });
    return result;
  } finally {
    hostile.close();
    victim.close();
    stranger.close();
    await rig.close();
  }
}
