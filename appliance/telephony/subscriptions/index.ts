export type { LineCall, Lines, MessageCounts } from './api.ts';
export { createRestart, type Restarted } from './restart.ts';
export { createSubscriptionStore, type SubscriptionRow, type SubscriptionStore } from './store.ts';
export { createSubscriptions, type Subscriptions, type SubscriptionsOptions } from './subscriptions.ts';
