export type { HealthReporter, Heartbeat, HeartbeatStatus } from './heartbeat.ts';
export { startHeartbeat } from './heartbeat.ts';
export type { Component, HealthReport } from './report.ts';
export { pingRtpengine, readHealth, readHeartbeats } from './report.ts';
