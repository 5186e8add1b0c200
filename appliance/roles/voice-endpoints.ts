import type { Agents } from '#appliance/agents/index.ts';
import { allTargets, type Endpoints, type RingStage } from '#appliance/channels/voice/index.ts';
import type { Flows } from '#appliance/flows/index.ts';
import type { DialTarget } from '#appliance/telephony/calls/index.ts';
import type { Phones } from '#appliance/telephony/phones/index.ts';
import type { Registrar } from '#appliance/telephony/registrar/index.ts';

/** Where people can be rung, from their phones and what they chose to ring. */
export function createVoiceEndpoints({
  agents,
  phones,
  registrar,
  did,
}: {
  agents: Agents;
  phones: Phones;
  registrar: Registrar;
  did: Pick<Flows, 'mainNumber'>;
}): Endpoints {
  /** By the person's own pattern; null when they have none, or nothing that it names is there. */
  function byPattern(agentId: string): RingStage[] | null {
    const agent = agents.get(agentId);
    if (!agent?.ringPattern) return null;
    const stages: RingStage[] = [];
    for (const { device, afterS, forS } of agent.ringPattern) {
      const targets: DialTarget[] =
        device === 'number'
          ? agent.ringNumber
            ? [{ kind: 'number', number: agent.ringNumber }]
            : []
          : reachable(agentId)
              .filter(({ kind }) => (device === 'browser') === (kind === 'browser'))
              .map(({ id }) => ({ kind: 'phone', phoneId: id }));
      if (targets.length) stages.push({ targets, afterMs: afterS * 1000, forMs: forS === null ? null : forS * 1000 });
    }
    // What would ring first may not be there: the next one need not wait.
    const first = Math.min(...stages.map(({ afterMs }) => afterMs));
    return stages.length ? stages.map((stage) => ({ ...stage, afterMs: stage.afterMs - first })) : null;
  }

  function reachable(agentId: string) {
    return phones.book.byAgent(agentId).filter((phone) => phone.kind === 'fixed' || registrar.online(phone.id));
  }

  function chosen(agentId: string): DialTarget[] {
    const agent = agents.get(agentId);
    if (agent?.ringOn === 'number' && agent.ringNumber) return [{ kind: 'number', number: agent.ringNumber }];
    const there = reachable(agentId);
    const wanted = there.filter(
      ({ kind }) => !agent || agent.ringOn === 'all' || (agent.ringOn === 'browser') === (kind === 'browser'),
    );
    // Nothing rings where the agent wanted it: better any phone of theirs than none.
    return (wanted.length ? wanted : there).map((phone): DialTarget => ({ kind: 'phone', phoneId: phone.id }));
  }

  return {
    targets(agentId) {
      const stages = byPattern(agentId);
      return stages ? allTargets(stages) : chosen(agentId);
    },
    turns(agentId) {
      const stages = byPattern(agentId);
      if (stages) return stages;
      const targets = chosen(agentId);
      return targets.length ? [{ targets, afterMs: 0, forMs: null }] : [];
    },
    isExtension: (number) => agents.byExtension(number) !== undefined || phones.book.byExtension(number).length > 0,
    browsers: (agentId) =>
      phones.book
        .byAgent(agentId)
        .filter((phone) => phone.kind === 'browser' && registrar.online(phone.id))
        .map((phone): DialTarget => ({ kind: 'phone', phoneId: phone.id })),
    agentOfPhone: (phoneId) => phones.book.get(phoneId)?.agentId ?? undefined,
    agentOfExtension: (extension) =>
      agents.byExtension(extension)?.id ??
      phones.book.byExtension(extension).find(({ agentId }) => agentId)?.agentId ??
      undefined,
    party(agentId) {
      const agent = agents.get(agentId);
      const number = agent?.extension ?? phones.book.byAgent(agentId)[0]?.extension ?? 'anonymous';
      return { number, ...(agent ? { name: agent.name } : {}) };
    },
    callerId: (queueId) => ({ number: did.mainNumber(queueId) ?? 'anonymous' }),
  };
}
