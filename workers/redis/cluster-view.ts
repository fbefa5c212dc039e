import type { Link } from './link.js'
import type { ServerAddress } from './options.js'
import type { Reply } from './replies.js'

/* What a node of a cluster tells of who has what, and whether it is to be believed. */

/** A part of the slots, and who has it. */
export interface SlotRange {
  readonly from: number
  readonly to: number
  readonly master: ServerAddress
}

/** What a node knows of the others. */
export interface View {
  readonly ranges: readonly SlotRange[]
  /** Whether it is one of the many: what those know that are cut off may be no longer so. */
  readonly isWhole: boolean
}

/** What a node is called here. */
export function nameOf({ host, port }: ServerAddress): string {
  return `${host}:${port}`
}

/** An address in a node's words; one that does not know its own name is where it was asked. */
export function addressIn(name: string, asked = ''): ServerAddress | undefined {
  const at = name.lastIndexOf(':')
  const host = hostIn(name.slice(0, Math.max(0, at)), asked)
  const port = Number(name.slice(at + 1))
  return host !== '' && port > 0 ? { host, port } : undefined
}

function hostIn(name: string, asked: string): string {
  return name === '' || name === '?' ? asked : name
}

/** Asks a node what it knows. */
export async function viewOf(name: string, link: Link, deadline: number): Promise<View | undefined> {
  const [state, slots] = await Promise.all([
    link.ask(['CLUSTER', 'INFO'], deadline),
    link.ask(['CLUSTER', 'SLOTS'], deadline),
  ])
  const ranges = rangesIn(slots, addressIn(name)?.host)
  if (ranges === undefined || ranges.length === 0) return undefined
  // Who may not ask for it is believed.
  return { ranges, isWhole: !(Buffer.isBuffer(state) && state.includes('cluster_state:fail')) }
}

/** The first that comes of a node among many; where there is none, that of another one. */
export async function firstWhole(views: readonly Promise<View | undefined>[]): Promise<View | undefined> {
  const whole = views.map(async (one) => {
    const view = await one
    if (view?.isWhole) return view
    throw new Error('it is cut off, or did not answer')
  })
  return Promise.any(whole).catch(async () => (await Promise.all(views)).find((view) => view !== undefined))
}

/** What `CLUSTER SLOTS` tells. */
function rangesIn(reply: Reply, asked = ''): SlotRange[] | undefined {
  if (!Array.isArray(reply)) return undefined
  return reply.flatMap((range: Reply) => {
    if (!Array.isArray(range)) return []
    const [from, to, master] = range as readonly Reply[]
    if (typeof from !== 'number' || typeof to !== 'number' || !Array.isArray(master)) return []
    const [name, port] = master as readonly Reply[]
    const host = hostIn(Buffer.isBuffer(name) ? name.toString('latin1') : '', asked)
    return host === '' || typeof port !== 'number' ? [] : { from, to, master: { host, port } }
  })
}
