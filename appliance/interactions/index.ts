import type { Channel, SegmentEnd } from '#appliance/contract/work.ts';
import type { Clock } from '#appliance/kernel/clock.ts';
import type { Bus } from '#appliance/platform/bus/index.ts';
import type { Log } from '#appliance/platform/log/index.ts';
import type { Batch, Database } from '#appliance/platform/postgres/index.ts';
import { createSpine } from './spine.ts';
import { createStore } from './store.ts';
import { createTraces } from './trace.ts';

export type { InteractionFilter } from './store.ts';
export type { TraceParts } from './trace.ts';
export type { InteractionPatch, InteractionRow, NewSegment, OpenInteraction, SegmentRow } from './types.ts';
export type { Channel, SegmentEnd };
export type Interactions = ReturnType<typeof createInteractions>;

/** The spine of the house: one per process. Writes are committed when their promise resolves; memory is ahead of them. */
export function createInteractions(deps: { db: Database; batch: Batch; bus: Bus; clock: Clock; log: Log }) {
  const store = createStore(deps.db, deps.batch);
  return { ...createSpine({ store, bus: deps.bus, clock: deps.clock, log: deps.log }), ...createTraces({ store }) };
}
