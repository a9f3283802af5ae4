import type { IncomingMessage } from 'node:http';

/** What a PortcullisServer wants to know of a request that leaves HTTP, of whoever looks at it. */
export interface UpgradeWatch {
  /** A `forUpgrade` has begun to look. */
  readonly checked: () => void;
  /** It has let the request pass. `again` says whether it still would: asked when the listener's trust has changed. */
  readonly admitted: (again: () => Promise<boolean>) => void;
  /** Another number after each change of the listener's trust. */
  readonly epoch: () => number;
}

const watches = new WeakMap<IncomingMessage, UpgradeWatch>();
let guardsMade = 0;

/** For the listener, before it emits the request. */
export function watchUpgrade(request: IncomingMessage, watch: UpgradeWatch): void {
  watches.set(request, watch);
}

/** For whoever looks at an upgrade; undefined where no PortcullisServer has emitted it. */
export const upgradeWatch = (request: IncomingMessage): UpgradeWatch | undefined => watches.get(request);

/** A `forUpgrade` was made. */
export function noteUpgradeGuard(): void {
  guardsMade += 1;
}

/** Whether this process has any `forUpgrade`: where it has none, nobody guards an upgrade. */
export const hasUpgradeGuard = (): boolean => guardsMade > 0;
