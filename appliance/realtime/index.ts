export { alarmRoutes } from './alarm-routes.ts';
export type { AlarmInput, Alarms } from './alarms.ts';
export { createAlarms } from './alarms.ts';
export type { LiveDoor } from './door.ts';
export { openLiveDoor } from './door.ts';
export { NO_FIGURES, registerCoreTopics } from './feed.ts';
export { LiveHub } from './hub.ts';
export type { TopicProvider, Topics } from './topic.ts';
export { createTopics } from './topic.ts';
