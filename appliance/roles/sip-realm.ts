/** Part of every phone's HA1: changing it voids all SIP passwords. */
export const SIP_REALM = 'strongroom';
