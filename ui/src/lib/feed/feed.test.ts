import { beforeEach, describe, expect, it } from 'vitest';
import { Feed, type FeedStatus, GIVE_UP_AFTER_MS, LATE_AFTER_MS, type Socket } from './feed.ts';

class FakeSocket implements Socket {
  sent: unknown[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  say(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  subscriptions() {
    return this.sent.filter((m) => typeof m === 'object' && m !== null && 'subscribe' in m).length;
  }
}

let nowMs: number;
let sockets: FakeSocket[];
let statuses: FeedStatus[];
let seen: unknown[];
let offset: number | undefined;
let refusals: number;
let feed: Feed;
const last = () => sockets.at(-1)!;

function pass(ms: number) {
  for (const end = nowMs + ms; nowMs < end; ) {
    nowMs = Math.min(nowMs + 500, end);
    feed.tick();
  }
}

beforeEach(() => {
  nowMs = 1_000_000;
  sockets = [];
  statuses = [];
  seen = [];
  offset = undefined;
  refusals = 0;
  feed = new Feed({
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    now: () => nowMs,
    random: () => 0.5,
    onstatus: (status) => statuses.push(status),
    onoffset: (ms) => {
      offset = ms;
    },
    onrefused: () => {
      refusals += 1;
    },
  });
  feed.subscribe('queues', {
    snapshot: (value) => seen.push(['snapshot', value]),
    change: (message) => seen.push(['change', message.set]),
    refused: (error) => seen.push(['refused', error.code]),
  });
  feed.tick();
});

function goLive() {
  last().onopen?.();
  last().say({ topic: 'queues', seq: 5, snapshot: [{ id: 'a' }] });
}

describe('a live feed', () => {
  it('is live only when every topic has been read', () => {
    expect(feed.status.state).toBe('connecting');
    last().onopen?.();
    expect(feed.status.state).toBe('connecting');
    last().say({ topic: 'queues', seq: 5, snapshot: [] });
    expect(feed.status).toMatchObject({ state: 'live', since: undefined });
  });

  it('hands on changes in sequence and drops repeated ones', () => {
    goLive();
    last().say({ topic: 'queues', seq: 6, set: [{ id: 'a' }] });
    last().say({ topic: 'queues', seq: 6, set: [{ id: 'old' }] });
    expect(seen).toEqual([
      ['snapshot', [{ id: 'a' }]],
      ['change', [{ id: 'a' }]],
    ]);
  });

  it('reads again after a gap, and shows nothing in between', () => {
    goLive();
    last().say({ topic: 'queues', seq: 8, set: [{ id: 'late' }] });
    expect(last().subscriptions()).toBe(2);
    last().say({ topic: 'queues', seq: 9, set: [{ id: 'later' }] });
    expect(seen).toHaveLength(1);
    last().say({ topic: 'queues', seq: 9, snapshot: [{ id: 'b' }] });
    last().say({ topic: 'queues', seq: 10, set: [{ id: 'c' }] });
    expect(seen.slice(1)).toEqual([
      ['snapshot', [{ id: 'b' }]],
      ['change', [{ id: 'c' }]],
    ]);
  });

  it('says since when it is late, and is live again when the server is heard', () => {
    goLive();
    const heardAt = nowMs;
    pass(LATE_AFTER_MS + 1_000);
    expect(feed.status).toMatchObject({ state: 'late', since: heardAt });
    last().say({ pong: nowMs, at: new Date(nowMs).toISOString() });
    expect(feed.status.state).toBe('live');
  });

  it('gives a silent connection up, keeps saying since when, and reads all topics again', () => {
    goLive();
    const heardAt = nowMs;
    pass(GIVE_UP_AFTER_MS + 500);
    expect(sockets[0]?.closed).toBe(true);
    expect(feed.status).toMatchObject({ state: 'offline', since: heardAt });
    pass(2_000);
    expect(sockets).toHaveLength(2);
    last().onopen?.();
    expect(feed.status).toMatchObject({ state: 'late', since: heardAt });
    last().say({ topic: 'queues', seq: 1, snapshot: [] });
    expect(feed.status.state).toBe('live');
  });

  it('backs off while the box is away and starts afresh when told to', () => {
    goLive();
    last().onclose?.({ code: 1006 });
    const waits: number[] = [];
    for (let i = 0; i < 7; i += 1) {
      const from = nowMs;
      const count = sockets.length;
      while (sockets.length === count) pass(250);
      waits.push(nowMs - from);
      last().onclose?.({ code: 1006 });
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    expect(refusals).toBe(7);
    feed.retryNow();
    expect(sockets).toHaveLength(9);
  });

  it('does not wait for a topic that was refused', () => {
    last().onopen?.();
    last().say({ topic: 'queues', error: { code: 'forbidden', message: '' } });
    expect(seen).toEqual([['refused', 'forbidden']]);
    expect(feed.status.state).toBe('live');
  });

  it('is late while the box itself cannot read a topic, until its snapshot comes', () => {
    goLive();
    last().say({ topic: 'queues', error: { code: 'unavailable', message: '' } });
    expect(feed.status).toMatchObject({ state: 'late', since: nowMs });
    last().say({ topic: 'queues', seq: 6, snapshot: [] });
    expect(feed.status.state).toBe('live');
  });

  it('asks whether the session has ended when the box says so', () => {
    goLive();
    last().onclose?.({ code: 4401 });
    expect(refusals).toBe(1);
  });

  it('learns how far the clock of this computer is off', () => {
    goLive();
    const sentAt = nowMs;
    nowMs += 40;
    last().say({ pong: sentAt, at: new Date(sentAt + 20 + 90_000).toISOString() });
    expect(offset).toBe(90_000);
  });

  it('survives messages that are no JSON', () => {
    goLive();
    last().onmessage?.({ data: '{' });
    last().onmessage?.({ data: new ArrayBuffer(2) });
    expect(feed.status.state).toBe('live');
  });

  it('never connects again after it was closed', () => {
    goLive();
    feed.close();
    pass(60_000);
    expect(sockets).toHaveLength(1);
  });
});
