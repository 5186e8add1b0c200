export type { Channel } from '#appliance/contract/work.ts';
export type { ChannelPort, Offer, OfferFailure, OfferOutcome, QueueExit } from './channel-port.ts';
export type { RouterEvents, RouterHooks } from './context.ts';
export { ESTIMATE_FORMULA } from './estimate.ts';
export { createRouter, type RouterDeps } from './router.ts';
export { createStore as createRoutingStore } from './store.ts';
export type { Announcements, EnqueueInput, OverflowRule, QueueConfig, Requirement } from './types.ts';
export type { Enqueued, Place, RemoveWhy } from './waiting.ts';
export type Router = ReturnType<typeof import('./router.ts').createRouter>;
