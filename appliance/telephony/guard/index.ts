export { createGuard, type Guard, type GuardOptions } from './guard.ts';
export { GUARD_LIMITS, type GuardLimits, type Offence, sourceOf } from './rules.ts';
export { type Ban, type BanStore, createBanStore } from './store.ts';
export { TALLIED, type Tallied, Tally, type TallyHour } from './tally.ts';
