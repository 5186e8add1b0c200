/** The prompt that is somebody's own voicemail greeting. */
export function greetingOf(agentId: string): string {
  return `voicemail.greeting.${agentId}`;
}
