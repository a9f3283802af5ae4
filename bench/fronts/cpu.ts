import { readdirSync, readFileSync } from 'node:fs';

/** A process and all that it has started, by their ids (Linux). */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = readParent(Number(entry));
    if (parent !== undefined) parents.set(Number(entry), parent);
  }
  const tree = [root];
  for (const id of tree) for (const [child, parent] of parents) if (parent === id) tree.push(child);
  return tree;
}

/** Undefined where it has ended meanwhile. */
function readParent(id: number): number | undefined {
  try {
    return parseParent(readFileSync(`/proc/${id}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** The second field is the program's name, in which anything may stand, parentheses too (proc(5)). */
export const parseParent = (stat: string): number =>
  Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);

/** Microseconds that the processes have run so far, all threads: in nanoseconds where `stat` counts in hundredths. */
export function cpuOf(ids: readonly number[]): number {
  let nanoseconds = 0;
  for (const id of ids)
    for (const thread of readdirSync(`/proc/${id}/task`))
      nanoseconds += Number(readFileSync(`/proc/${id}/task/${thread}/schedstat`, 'latin1').split(' ')[0]);
  return nanoseconds / 1_000;
}
