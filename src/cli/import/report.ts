import type { MovedSessions } from '../../import/tally.js'
import { printable } from '../output.js'

/** One line for people: `1200 imported, 3 there already, 40 expired, 1 unreadable, 0 foreign`. */
export function summaryOf({ imported, existing, expired, unreadable, foreign, gone }: MovedSessions): string {
  const parts = [
    `${imported} imported`,
    `${existing} there already`,
    `${expired} expired`,
    `${unreadable} unreadable`,
    `${foreign} foreign`,
  ]
  if (gone > 0) parts.push(`${gone} gone meanwhile`)
  return parts.join(', ')
}

/** A line for each reason why sessions were not read; which they are is told by inode numbers, never by their names. */
export function complaintsOf({ reasons }: MovedSessions, from: string): string[] {
  return reasons.map(({ reason, count, inodes }) => {
    const [first, ...others] = inodes
    const where =
      first === undefined
        ? ''
        : `; find ${printable(from)} -inum ${first}${others.map((inode) => ` -or -inum ${inode}`).join('')}`
    return `${count} ${count === 1 ? 'file' : 'files'}: ${reason}${where}`
  })
}

/** The same for programs. */
export function plainCounts(moved: MovedSessions): MovedSessions {
  const { imported, existing, expired, unreadable, foreign, gone, reasons } = moved
  return { imported, existing, expired, unreadable, foreign, gone, reasons }
}
