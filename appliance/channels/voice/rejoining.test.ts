import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '#appliance/kernel/clock.ts';
import { Emitter } from '#appliance/kernel/emitter.ts';
import { silentLog } from '#appliance/platform/log/index.ts';
import type { Leg, LegEvents } from '#appliance/telephony/calls/api.ts';
import type { VoiceDeps } from './deps.ts';
import { createRejoining, type Rejoining } from './rejoining.ts';
import type { Talks } from './talks.ts';
import { VoiceCall } from './voice-call.ts';

/** A leg as far as this room looks at it. */
class FakeLeg {
  readonly events = new Emitter<LegEvents>();
  state: Leg['state'] = 'up';
  browser = true;
  reachable = true;
  received = 0;
  heldFor: string[] = [];
  tag: Record<string, unknown> = {};
  on = this.events.on.bind(this.events) as Leg['on'];
  saveTag(tag: Record<string, unknown>) {
    this.tag = tag;
  }
  async stats() {
    return { received: this.received };
  }
  hangup() {
    this.state = 'ended';
  }
  async mute(muted: boolean) {
    this.heldFor.push(`mute ${muted}`);
  }
  async resume() {
    this.heldFor.push('resume');
  }
  disconnect() {
    this.reachable = false;
    this.events.emit('connection', { open: false });
  }
}

let clock: ManualClock;
let customer: FakeLeg;
let browser: FakeLeg;
let call: VoiceCall;
let rejoining: Rejoining;
let said: string[];
let answer: (leg: FakeLeg) => void;
let browsers: number;

const leg = (fake: FakeLeg) => fake as unknown as Leg;

/** Time passes, and whatever waits for it has its turn. `talking`: the browser sends audio meanwhile. */
async function pass(ms: number, talking: FakeLeg | undefined): Promise<void> {
  for (let at = 0; at < ms; at += 100) {
    if (talking) talking.received += 5;
    clock.advance(100);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  }
}

beforeEach(() => {
  clock = new ManualClock();
  customer = new FakeLeg();
  browser = new FakeLeg();
  said = [];
  browsers = 1;
  call = new VoiceCall(
    { interactionId: 'i', direction: 'in', from: '+1', to: '+2', customer: null, trunkId: null, language: 'en' },
    leg(customer),
    clock,
    'talking',
  );
  call.queueId = 'q';
  const note = (words: string) => async () => void said.push(words);
  const talks = {
    agentOf: () => call.agent,
    hold: async () => {
      said.push('music');
      call.enter('held');
    },
    resume: async () => {
      said.push('resume');
      call.enter('talking');
    },
    watchAgentLeg: () => {},
    releaseAgent: async () => {
      said.push('released');
      call.agent = undefined;
    },
    failed: (_call: VoiceCall, error: unknown) => said.push(String(error)),
  };
  const deps = {
    clock,
    log: silentLog,
    calls: {
      bridge: note('bridge'),
      dial: () => {
        said.push('ring');
        return {
          legs: [],
          cancel() {},
          answered: new Promise((resolve) => {
            answer = resolve as typeof answer;
          }),
        };
      },
    },
    interactions: { event: async (_id: string, type: string) => void said.push(type) },
    endpoints: { browsers: () => Array.from({ length: browsers }, () => ({ kind: 'phone', phoneId: 'p' })) },
    recorder: { join: note('recorded') },
    sounds: { ringback: ['ringback'] },
  };
  rejoining = createRejoining(deps as unknown as VoiceDeps, {
    talks: talks as unknown as Talks,
    transfers: { back: note('queue') } as never,
    monitoring: { apply: note('monitored') } as never,
  });
  rejoining.follow(call);
  call.setAgent('alice', leg(browser));
});

describe('an agent whose browser loses the call', () => {
  it('is not missed while the audio goes on without the connection', async () => {
    browser.disconnect();
    await pass(10_000, browser);
    browser.reachable = true;
    await pass(1000, browser);
    expect(said).toEqual([]);
  });

  it('gives the customer music, and talks on when the page that was loaded anew answers', async () => {
    browser.disconnect();
    await pass(1000, undefined);
    expect(said).toEqual(['agent-audio-lost', 'music']);
    expect(call.view('alice')).toMatchObject({ browser: true, lost: true, state: 'held' });
    call.recording = 'on';
    await rejoining.ring(call, 'alice');
    const again = new FakeLeg();
    answer(again);
    await pass(1000, again);
    expect(said.slice(2)).toEqual(['ring', 'recorded', 'resume', 'agent-audio-back']);
    expect(call.agent?.leg).toBe(again);
    expect(browser.state).toBe('ended');
    expect(call.view('alice')).toMatchObject({ lost: false, state: 'talking' });
  });

  it('stays muted', async () => {
    call.muted = true;
    browser.disconnect();
    await pass(1000, undefined);
    await rejoining.ring(call, 'alice');
    const again = new FakeLeg();
    answer(again);
    await pass(100, again);
    expect(again.heldFor).toEqual(['mute true']);
  });

  it('leaves a customer on hold who was on hold', async () => {
    call.enter('held');
    browser.disconnect();
    await pass(1000, undefined);
    await rejoining.ring(call, 'alice');
    answer(new FakeLeg());
    await pass(100, undefined);
    expect(said).toEqual(['agent-audio-lost', 'ring', 'agent-audio-back']);
    expect(call.stage).toBe('held');
  });

  it('talks on when the network comes back by itself', async () => {
    browser.events.emit('silent', { ms: 10_000, held: false });
    await pass(2000, undefined);
    expect(said).toEqual(['agent-audio-lost', 'music']);
    await pass(2000, browser);
    expect(said.slice(2)).toEqual(['agent-audio-back', 'resume']);
  });

  it('is awaited when the browser itself gives the audio up', async () => {
    browser.state = 'ended';
    browser.events.emit('ended', { cause: { by: 'party', q850: 16, sip: 408, text: 'RTP Timeout' }, at: clock.now() });
    await pass(1000, undefined);
    expect(said).toEqual(['agent-audio-lost', 'music']);
  });

  it('who does not come back hands the customer to the queue, before leaving', async () => {
    browser.disconnect();
    await pass(50_000, undefined);
    expect(said).toEqual(['agent-audio-lost', 'music', 'agent-lost', 'queue', 'released']);
    expect(customer.heldFor).toEqual(['resume']);
  });

  it('hands the customer to the queue at once when it is a desk phone that vanished', async () => {
    browser.browser = false;
    browser.state = 'ended';
    browser.events.emit('ended', { cause: { by: 'failure', q850: 27, text: 'gone' }, at: clock.now() });
    await pass(100, undefined);
    expect(said).toEqual(['agent-lost', 'queue', 'released']);
  });

  it('talks on when it was the network of a desk phone, and it comes back soon enough', async () => {
    browser.browser = false;
    expect(rejoining.absent(call, leg(browser))).toBe(true);
    await pass(20_000, undefined);
    expect(said).toEqual(['agent-audio-lost', 'music']);
    expect(rejoining.absent(call, leg(browser)), 'asked again meanwhile').toBe(true);
    await pass(2000, browser);
    expect(said.slice(2)).toEqual(['agent-audio-back', 'resume']);
  });

  it('hands the customer to the queue when a desk phone does not come back soon', async () => {
    browser.browser = false;
    rejoining.absent(call, leg(browser));
    await pass(35_000, undefined);
    expect(said).toEqual(['agent-audio-lost', 'music', 'agent-lost', 'queue', 'released']);
  });

  it('waits for nobody whose customer has no queue to go to', async () => {
    browser.browser = false;
    call.queueId = null;
    expect(rejoining.absent(call, leg(browser))).toBe(false);
  });

  it('has nothing more to do with a customer who hung up while it rang', async () => {
    browser.disconnect();
    await pass(1000, undefined);
    await rejoining.ring(call, 'alice');
    customer.state = 'ended';
    const again = new FakeLeg();
    answer(again);
    await pass(100, undefined);
    expect(again.state).toBe('ended');
    expect(call.agent?.leg).toBe(browser);
  });
});

describe('asking to be rung', () => {
  it('is refused to others, without a browser, and while it rings already', async () => {
    await expect(rejoining.ring(call, 'bob')).rejects.toMatchObject({ code: 'not-your-call' });
    await rejoining.ring(call, 'alice');
    await expect(rejoining.ring(call, 'alice')).rejects.toMatchObject({ code: 'ringing' });
    browsers = 0;
    answer(new FakeLeg());
    await pass(100, undefined);
    await expect(rejoining.ring(call, 'alice')).rejects.toMatchObject({ code: 'no-browser-phone' });
  });
});
