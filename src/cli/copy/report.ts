import type { Comparison } from '../../copy/compare-sessions.js'
import type { CopiedSessions } from '../../copy/copy-sessions.js'

/** What is told of a copy when it is through, or was broken off. */
export interface CopyReport {
  readonly copied: CopiedSessions
  /** `undefined` where it was broken off before. */
  readonly comparison: Comparison | undefined
}

/** Lines for people: `1200 copied, 3 there already`, and what the second look has found. */
export function linesOf({ copied, comparison }: CopyReport): string[] {
  const { existing, different, replaced, removed, gone, foreign, refused } = copied
  const others = [
    [different, 'different and left as they are'],
    [replaced, 'written over'],
    [removed, 'removed'],
    [gone, 'gone or damaged'],
    [foreign, 'of another codec'],
    [refused, 'refused'],
  ] as const
  const parts = [
    `${copied.copied} copied`,
    `${existing} there already`,
    ...others.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`),
  ]
  return [parts.join(', '), ...(comparison === undefined ? [] : [verdictOf(comparison)])]
}

/** The same for programs. */
export function plainReport({ copied, comparison }: CopyReport): object {
  if (comparison === undefined) return { ...copied }
  const { source, target } = comparison
  const plain = ({ count, checksum }: { count: number; checksum: string }): object => ({ count, checksum })
  return {
    ...copied,
    source: plain({ count: source.count, checksum: `${source}` }),
    target: plain({ count: target.count, checksum: `${target}` }),
    verified: isSame(comparison),
  }
}

/** Whether both ends have the same sessions. */
export function isSame({ source, target }: Comparison): boolean {
  return source.count === target.count && `${source}` === `${target}`
}

/** What is to be done where not everything is at the target. */
export function adviceOf({ different, foreign, refused }: CopiedSessions): string[] {
  return [
    ...(different > 0
      ? ['--mirror writes over sessions that differ, and deletes those that the source does not have']
      : []),
    ...(foreign > 0 ? ['sessions of another codec are copied by another run, with its --codec'] : []),
    ...(refused > 0
      ? ['refused sessions have a key that is none there, or are larger than --max-record-bytes']
      : []),
  ]
}

function verdictOf(comparison: Comparison): string {
  const { source, target } = comparison
  if (isSame(comparison)) return `verified: ${source.count} sessions, checksum ${source}, at both ends`
  return `not the same: ${source.count} sessions, checksum ${source}, at the source; ${target.count}, ${target}, at the target`
}
