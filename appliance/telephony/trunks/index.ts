export { isNetwork, Networks } from './networks.ts';
export { fromE164, isAnonymous, type NumberFormat, toE164 } from './numbers.ts';
export { type TrunkStatusRow, trunkStatusOf, trunkStatusWriter } from './status-store.ts';
export { type CallerId, createTrunkStore, type TrunkRow } from './store.ts';
export type { Forwarded, Outbound, Trunk } from './trunk.ts';
export type { TrunkSip, TrunkState } from './trunk-life.ts';
export { createTrunks, type Trunks, type TrunksOptions } from './trunks.ts';
