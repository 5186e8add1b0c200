import type { Bus } from '#appliance/platform/bus/index.ts';

export type Announcer = ReturnType<typeof createAnnouncer>;

/** Tells the others what changed: many changes of one agent or queue in one turn become one event. */
export function createAnnouncer(bus: Bus) {
  const queues = new Set<string>();
  const agents = new Set<string>();
  let planned = false;

  function plan(): void {
    if (planned) return;
    planned = true;
    setImmediate(() => {
      planned = false;
      for (const queueId of queues) bus.publish({ type: 'queue.changed', queueId });
      for (const agentId of agents) bus.publish({ type: 'agent.changed', agentId });
      queues.clear();
      agents.clear();
    });
  }

  return {
    queue(queueId: string | null): void {
      if (queueId === null) return;
      queues.add(queueId);
      plan();
    },
    agent(agentId: string): void {
      agents.add(agentId);
      plan();
    },
  };
}
