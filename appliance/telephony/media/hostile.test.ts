import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PCMA } from './g711.ts';
import { readReports } from './rtcp.ts';
import { readRtp } from './rtp.ts';
import { RxStats } from './rx-stats.ts';
import { Phone, until, wait } from './testing/phone.ts';
import { type TestSwitch, testSwitch } from './testing/switch.ts';

describe('input that means harm, or makes no sense', () => {
  let rig: TestSwitch;
  let customer: Phone;
  let agent: Phone;
  let portA: number;

  beforeAll(async () => {
    rig = await testSwitch(23_000);
    customer = new Phone(PCMA, [400]);
    agent = new Phone(PCMA, [1000]);
    const remote = (port: number) => ({ address: '127.0.0.1', port });
    const a = await rig.media.createLeg({
      leg: 'A',
      codec: 'PCMA',
      telephoneEvent: 101,
      remote: remote(await customer.open()),
    });
    const b = await rig.media.createLeg({
      leg: 'B',
      codec: 'PCMA',
      telephoneEvent: 101,
      remote: remote(await agent.open()),
    });
    portA = a.port;
    customer.call(a.port);
    agent.call(b.port);
    await rig.media.route([
      { leg: 'A', hear: { kind: 'leg', leg: 'B' } },
      { leg: 'B', hear: { kind: 'leg', leg: 'A' } },
    ]);
    await wait(300);
  });

  afterAll(async () => {
    for (const phone of [customer, agent]) phone?.close();
    await rig?.close();
  });

  const healthy = async () => {
    await wait(300);
    expect(agent.hears(200)).toBe('400');
    expect(customer.hears(200)).toBe('1000');
  };

  it('an intruder is not heard', async () => {
    const intruder = new Phone(PCMA, [1500]);
    await intruder.open();
    intruder.call(portA);
    await wait(400);
    expect(agent.hears(300)).toBe('400');
    expect(intruder.heard).toEqual([]);
    intruder.close();
  });

  it('RTP of every wrong shape changes nothing', async () => {
    const real = customer.send(8, customer.frame());
    for (let i = 0; i < 3000; i++) customer.raw(mutated(real, i));
    customer.raw(Buffer.alloc(0));
    customer.raw(Buffer.alloc(9000, 0x80));
    await wait(200);
    customer.seq += 4000; // the mutations left their marks in the numbers: begin anew
    await healthy();
  });

  it('RTCP of every wrong shape changes nothing', async () => {
    const report = Buffer.from(
      '81c8000c0000000100000000000000000000000000000000000000000000000200000000000000000000000000000000',
      'hex',
    );
    for (let i = 0; i < 2000; i++) customer.rawRtcp(mutated(report, i));
    await healthy();
    expect((await rig.media.stats('A'))?.rttMs).toBeLessThan(10_000);
  });

  it('telephone-events of every wrong shape make no digits', async () => {
    const before = rig.digits('A').length;
    for (const payload of ['', '05', '0580', 'ff8a0320', '638a0320', '108a0320']) {
      customer.send(101, Buffer.from(payload, 'hex'), customer.ts + 1_000_000);
    }
    await wait(100);
    expect(rig.digits('A').length).toBe(before);
  });

  it('requests that are none get an answer, and the door stays open', async () => {
    const lines = [
      'nonsense',
      '[]',
      'null',
      '{"n":"x"}',
      '{"n":1}',
      '{"n":2,"op":"rm -rf"}',
      '{"n":3,"op":"leg.create","leg":"","codec":"PCMA"}',
      '{"n":4,"op":"leg.create","leg":"x","codec":"G729"}',
      '{"n":5,"op":"leg.create","leg":"x","codec":"PCMA","remote":{"address":"example.com","port":5}}',
      '{"n":6,"op":"leg.create","leg":"x","codec":"PCMA","remote":{"address":"127.0.0.1","port":0}}',
      '{"n":7,"op":"route","routes":[{"leg":"A","hear":{"kind":"play","prompts":["../../etc/passwd"]}}]}',
      '{"n":8,"op":"digits.send","leg":"A","digits":"12x"}',
      '{"n":9,"op":"leg.create","leg":"x","codec":"PCMA","__proto__":{"a":1},"extra":1}',
    ];
    const answers = await ask(join(rig.dir, 'media.sock'), `${lines.join('\n')}\n`, lines.length);
    expect(answers).toHaveLength(lines.length);
    for (const answer of answers) expect(answer).toHaveProperty('error');
    const long = await ask(join(rig.dir, 'media.sock'), 'x'.repeat(300_000), 1);
    expect(long[0]?.error).toContain('longer than');
    expect((await rig.media.list()).legs).toEqual(['A', 'B']);
    await healthy();
  });

  it('says clearly what is wrong', async () => {
    const { media } = rig;
    const play = (prompts: string[]) => media.route([{ leg: 'A', hear: { kind: 'play', prompts } }]);
    await expect(play(['missing'])).rejects.toThrow("no prompt 'missing'");
    await expect(play(['welcome', 'missing'])).rejects.toThrow("no prompt 'missing'");
    await expect(play(['..'])).rejects.toThrow('bad prompt name');
    await expect(media.route([{ leg: 'Z', hear: { kind: 'none' } }])).rejects.toThrow('no leg Z');
    await expect(media.route([{ leg: 'A', hear: { kind: 'leg', leg: 'Z' } }])).rejects.toThrow('no leg Z');
    await expect(media.updateLeg({ leg: 'Z' })).rejects.toThrow('no leg Z');
    await expect(media.createLeg({ leg: 'N', near: 'Z', codec: 'PCMA' })).rejects.toThrow('no leg Z');
    await expect(media.addToRecording('Z', 'A', 1)).rejects.toThrow('no recording Z');
    await expect(media.stats('Z')).resolves.toBeUndefined();
    await healthy(); // a request that fails has changed nothing
  });

  it('runs out of ports with a clear word, and recovers', async () => {
    const legs = Array.from({ length: 18 }, (_, i) => `x${i}`);
    for (const leg of legs) await rig.media.createLeg({ leg, codec: 'PCMA' });
    await expect(rig.media.createLeg({ leg: 'one more', codec: 'PCMA' })).rejects.toThrow();
    await expect(rig.media.createLeg({ leg: 'one-more', codec: 'PCMA' })).rejects.toThrow('out of ports');
    for (const leg of legs) await rig.media.deleteLeg(leg);
    await expect(rig.media.createLeg({ leg: 'one-more', codec: 'PCMA' })).resolves.toBeDefined();
    await rig.media.deleteLeg('one-more');
  });

  it('a phone that moves is found again; a trunk that must not is not', async () => {
    customer.hush();
    await until(() => rig.events.some(({ name }) => name === 'silent') || agent.hears(200) === 'nothing', 3000);
    await wait(3600);
    const moved = new Phone(PCMA, [2200]);
    await moved.open();
    moved.call(portA);
    await wait(500);
    expect(agent.hears(200)).toBe('2200');
    expect(moved.hears(200)).toBe('1000');
    moved.close();

    const wrong = new Phone(PCMA, [600], '127.0.0.2');
    await wrong.open();
    const { port } = await rig.media.createLeg({
      leg: 'T',
      codec: 'PCMA',
      strict: true,
      remote: { address: '127.0.0.9', port: 4000 },
    });
    await rig.media.route([{ leg: 'B', hear: { kind: 'leg', leg: 'T' } }]);
    wrong.call(port);
    agent.clear();
    await wait(400);
    expect(agent.heard).toEqual([]);
    expect((await rig.media.stats('T'))?.strays).toBeGreaterThan(10);
    await rig.media.updateLeg({ leg: 'T', remote: { address: '127.0.0.2', port: wrong.port } });
    await wait(500);
    expect(agent.hears(200)).toBe('600');
    wrong.close();
  });
});

describe('parsers', () => {
  it('survive a hundred thousand mutations of RTP and RTCP', () => {
    const view = { payloadType: 0, seq: 0, ts: 0, ssrc: 0, offset: 0, end: 0 };
    const rtp = Buffer.concat([
      Buffer.from('b0080001000000a000000001bede000100000000', 'hex'),
      Buffer.alloc(160, 0xd5),
    ]);
    const rtcp = Buffer.from(`81c8000c${'00'.repeat(48)}81ca0002000000010104${'61'.repeat(2)}`, 'hex');
    const rx = new RxStats();
    for (let i = 0; i < 50_000; i++) {
      const m = mutated(rtp, i);
      if (readRtp(m, view)) {
        expect(view.offset).toBeLessThanOrEqual(view.end);
        expect(view.end).toBeLessThanOrEqual(m.length);
      }
      readReports(mutated(rtcp, i), 0, rx, 0);
    }
  });
});

/** Flips, cuts and overwrites, the same for every run. */
function mutated(from: Buffer, seed: number): Buffer {
  let state = seed * 2_654_435_761 + 12_345;
  const next = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const m = Buffer.from(from.subarray(0, next(4) ? from.length : next(from.length + 1)));
  for (let i = 1 + next(4); i > 0 && m.length > 0; i--) m[next(Math.min(m.length, 40))] = next(256);
  return m;
}

function ask(path: string, text: string, answers: number): Promise<{ n?: number; error?: string }[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let all = '';
    socket.on('data', (chunk) => {
      all += chunk;
      const lines = all.trim().split('\n').slice(1); // the first is the greeting
      if (lines.length < answers) return;
      socket.destroy();
      resolve(lines.map((line) => JSON.parse(line)));
    });
    socket.on('error', reject);
    socket.write(text);
  });
}
