export type { Bus, BusListener } from './bus.ts';
export { memoryBus } from './memory-bus.ts';
export { createBus } from './redis-bus.ts';
