import type { AllowedHosts } from '../../trust/revocation/allowed-hosts.ts';
import type { FetchRequest } from './fetch.ts';
import { isNear } from './near.ts';

/**
 * Objects to addresses on this machine or its link: there metadata and administration listen, and a name that leads
 * there may have been bent. Whoever means it lists the address itself, or `localhost`.
 */
export const objectionTo =
  (hosts: AllowedHosts, path: string): FetchRequest['objection'] =>
  (host, address) => {
    const isMeant = hosts.lists(address) || (host === 'localhost' && hosts.lists(host));
    return isMeant || !isNear(address)
      ? undefined
      : `${host} leads to ${address}, on this machine or link: list that address in ${path} if it is meant`;
  };
