import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Channel } from '#appliance/contract/work.ts';
import { mayTake } from './capacity.ts';
import { type Entry, Line, rankOf } from './line.ts';
import { Needs } from './needs.ts';
import { agentsToOffer, bestAgent, type Candidate, eligible, nextEntry } from './selection.ts';
import { STRATEGIES } from './types.ts';

const needs = new Needs();
const channels: Channel[] = ['voice', 'chat', 'email'];
const skillIds = ['dutch', 'loans', 'cards'];

const agent = fc.record({
  ready: fc.boolean(),
  levels: fc.dictionary(fc.constantFrom(...skillIds), fc.integer({ min: 1, max: 10 })),
  working: fc.array(fc.constantFrom(...channels), { maxLength: 3 }),
  idleSince: fc.integer({ min: 0, max: 50 }),
  handledInShift: fc.integer({ min: 0, max: 3 }),
  lastOffered: fc.integer({ min: 0, max: 10 }),
});
const waiting = fc.record({
  at: fc.integer({ min: 0, max: 600 }),
  priority: fc.integer({ min: 0, max: 10 }),
  channel: fc.constantFrom(...channels),
  wants: fc.dictionary(fc.constantFrom(...skillIds), fc.integer({ min: 1, max: 10 }), { maxKeys: 2 }),
  reserved: fc.option(fc.integer({ min: 0, max: 5 }), { freq: 4 }),
  avoided: fc.option(fc.integer({ min: 0, max: 5 }), { freq: 4 }),
});

function candidates(
  raw: {
    ready: boolean;
    levels: Record<string, number>;
    working: Channel[];
    idleSince: number;
    handledInShift: number;
    lastOffered: number;
  }[],
): Candidate[] {
  return raw.map((one, index) => ({
    id: `agent-${index}`,
    open: one.ready,
    capacity: { voice: 1, chat: 3, email: 2 },
    interrupts: { email: ['voice', 'chat'], chat: ['voice'] },
    working: one.working,
    levels: one.levels,
    idleSince: one.idleSince,
    handledInShift: one.handledInShift,
    lastOffered: one.lastOffered,
    answers: new Map(),
  }));
}

function entry(
  raw: {
    at: number;
    priority: number;
    channel: Channel;
    wants: Record<string, number>;
    reserved: number | null;
    avoided: number | null;
  },
  index: number,
): Entry {
  const skills = Object.entries(raw.wants).map(([skillId, minLevel]) => ({ skillId, minLevel }));
  return {
    id: `entry-${String(index).padStart(4, '0')}`,
    interactionId: `interaction-${index}`,
    queueId: 'queue',
    channel: raw.channel,
    priority: raw.priority,
    skills,
    preferredAgentId: null,
    from: '',
    customer: null,
    enqueuedAt: raw.at * 1000,
    enteredAt: raw.at * 1000,
    hops: 0,
    rank: rankOf(raw.at * 1000, raw.priority, 60),
    need: needs.of([], [], skills, 0),
    reservedFor: raw.reserved === null ? null : `agent-${raw.reserved}`,
    reservedUntil: 1e9,
    state: 'waiting',
    avoid: raw.avoided === null ? undefined : new Map([[`agent-${raw.avoided}`, 1e9]]),
  };
}

describe('who gets what', () => {
  it('gives only to agents who may have it, and to nobody only when nobody may', () => {
    fc.assert(
      fc.property(
        fc.array(agent, { maxLength: 8 }),
        waiting,
        fc.constantFrom(...STRATEGIES),
        (rawAgents, rawEntry, strategy) => {
          const agents = candidates(rawAgents);
          const one = entry(rawEntry, 0);
          const best = bestAgent(strategy, one, agents, 700_000);
          const possible = agents.filter((candidate) => eligible(candidate, one, 700_000));
          if (best) expect(possible).toContain(best);
          else expect(possible).toEqual([]);
          for (const { id } of possible) {
            const found = agents.find((candidate) => candidate.id === id)!;
            expect(found.open).toBe(true);
            for (const need of one.skills)
              expect(found.levels[need.skillId] ?? 0).toBeGreaterThanOrEqual(need.minLevel);
            expect([null, id]).toContain(one.reservedFor);
          }
          const all = agentsToOffer('ring-all', one, agents, 700_000, 100);
          expect(new Set(all)).toEqual(new Set(possible));
        },
      ),
    );
  });

  it('does not depend on the order in which agents are listed', () => {
    fc.assert(
      fc.property(
        fc.array(agent, { maxLength: 8 }),
        waiting,
        fc.constantFrom(...STRATEGIES),
        fc.integer(),
        (rawAgents, rawEntry, strategy, seed) => {
          const agents = candidates(rawAgents);
          const shuffled = [...agents].sort(
            (a, b) => ((a.id.charCodeAt(6) * seed) % 7) - ((b.id.charCodeAt(6) * seed) % 7),
          );
          const one = entry(rawEntry, 0);
          expect(bestAgent(strategy, one, shuffled, 700_000)?.id).toBe(bestAgent(strategy, one, agents, 700_000)?.id);
        },
      ),
    );
  });

  it('serves each agent the first in order of service among what the agent may have', () => {
    fc.assert(
      fc.property(fc.array(waiting, { maxLength: 40 }), agent, (rawEntries, rawAgent) => {
        const entries = rawEntries.map(entry);
        const line = new Line();
        for (const one of entries) line.add(one);
        const [who] = candidates([{ ...rawAgent, ready: true }]);
        const expected = entries
          .filter((one) => eligible(who!, one, 700_000))
          .sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1))[0];
        expect(nextEntry(who!, [{ position: 1, line }], 700_000)?.id).toBe(expected?.id);
      }),
    );
  });

  it('starves nobody: a line that is served empties in order, whoever else arrives later', () => {
    fc.assert(
      fc.property(fc.array(waiting, { minLength: 1, maxLength: 40 }), (rawEntries) => {
        const entries = rawEntries.map((raw, index) =>
          entry({ ...raw, wants: {}, reserved: null, avoided: null, channel: 'voice' }, index),
        );
        const line = new Line();
        for (const one of entries) line.add(one);
        const victim = entries[0]!;
        const [who] = candidates([
          { ready: true, levels: {}, working: [], idleSince: 0, handledInShift: 0, lastOffered: 0 },
        ]);
        // One arrival of the highest priority for each one served: the victim's turn comes within the time its points are worth.
        let now = 600_000;
        let number = entries.length;
        for (let served = 0; ; served++) {
          expect(served).toBeLessThan(200);
          const next = nextEntry(who!, [{ position: 1, line }], now)!;
          expect(line.remove(next)).toBe(true);
          if (next === victim) break;
          now += 30_000;
          line.add(
            entry(
              { at: now / 1000, priority: 10, channel: 'voice', wants: {}, reserved: null, avoided: null },
              number++,
            ),
          );
        }
      }),
    );
  });

  it('counts the place in the line as the order of service says', () => {
    fc.assert(
      fc.property(fc.array(waiting, { minLength: 1, maxLength: 30 }), (rawEntries) => {
        const entries = rawEntries.map(entry);
        const line = new Line();
        for (const one of entries) line.add(one);
        const order = [...entries].sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1));
        for (const one of entries) expect(line.countAhead(one)).toBe(order.indexOf(one));
        for (const one of order) expect(line.remove(one)).toBe(true);
        expect(line.size).toBe(0);
      }),
    );
  });

  it('takes the agent of the strategy', () => {
    const [ann, ben, cy] = candidates([
      { ready: true, levels: { dutch: 5 }, working: [], idleSince: 30, handledInShift: 0, lastOffered: 3 },
      { ready: true, levels: { dutch: 9 }, working: [], idleSince: 20, handledInShift: 2, lastOffered: 2 },
      { ready: true, levels: { dutch: 7 }, working: [], idleSince: 10, handledInShift: 3, lastOffered: 9 },
    ]);
    const one = entry({ at: 0, priority: 5, channel: 'voice', wants: { dutch: 5 }, reserved: null, avoided: null }, 0);
    const by = (strategy: (typeof STRATEGIES)[number]) => bestAgent(strategy, one, [ann!, ben!, cy!], 1)?.id;
    expect([by('longest-idle'), by('fewest-handled'), by('round-robin'), by('most-skilled')]).toEqual([
      cy!.id,
      ann!.id,
      ben!.id,
      ben!.id,
    ]);
  });
});

describe('capacity', () => {
  const limits = {
    capacity: { voice: 1, chat: 3, email: 1 },
    interrupts: { email: ['voice', 'chat'], chat: ['chat'] },
  } as const;
  it.each<[Channel[], Channel, boolean]>([
    [[], 'voice', true],
    [['voice'], 'voice', false],
    [['voice'], 'chat', false],
    [['chat', 'chat'], 'chat', true],
    [['chat', 'chat', 'chat'], 'chat', false],
    [['chat'], 'voice', false],
    [['email'], 'voice', true],
    [['email', 'chat'], 'voice', false],
    [[], 'fax', false],
  ])('with %j at work, %s may be offered: %s', (working, channel, expected) => {
    expect(mayTake(limits, working, channel)).toBe(expected);
  });
});
