import type { Agents } from '#appliance/agents/index.ts';
import type { Endpoints } from '#appliance/channels/voice/index.ts';
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
  return {
    targets(agentId) {
      const agent = agents.get(agentId);
      if (agent?.ringOn === 'number' && agent.ringNumber) return [{ kind: 'number', number: agent.ringNumber }];
      const reachable = phones.book
        .byAgent(agentId)
        .filter((phone) => phone.kind === 'fixed' || registrar.online(phone.id));
      const chosen = reachable.filter(
        ({ kind }) => !agent || agent.ringOn === 'all' || (agent.ringOn === 'browser') === (kind === 'browser'),
      );
      // Nothing rings where the agent wanted it: better any phone of theirs than none.
      return (chosen.length ? chosen : reachable).map((phone): DialTarget => ({ kind: 'phone', phoneId: phone.id }));
    },
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
