import slotOf from 'cluster-key-slot'
import type { ConnectionTally } from '../protocol/index.js'
import type { RedisKey } from './key-names.js'
import type { Link } from './link.js'
import type { RedisWorkerOptions, ServerAddress } from './options.js'
import type { Refusal, Reply } from './replies.js'
import { ServerLinks } from './server-links.js'
import type { Servers } from './servers.js'

/** As many as a cluster has, https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ */
const SLOTS = 16_384
/** Nodes that are asked at once who has what. */
const ASKED_AT_ONCE = 3
/** Milliseconds that they may take to tell, before others are asked. */
const PATIENCE = 1000

/** A part of the slots, and who has it. */
interface SlotRange {
  readonly from: number
  readonly to: number
  readonly master: ServerAddress
}

/** What a node knows of the others. */
interface View {
  readonly ranges: readonly SlotRange[]
  /** Whether it is one of the many: what those know that are cut off may be no longer so. */
  readonly isWhole: boolean
}

/** A Redis or Valkey Cluster: each key is with the master of its slot. */
export class Cluster implements Servers {
  /** Connections and answers are waited for so long before the others are asked: then there is time left to turn to another node. */
  readonly patience: number
  readonly #options: RedisWorkerOptions
  readonly #tally: ConnectionTally
  readonly #nodes = new Map<string, ServerLinks>()
  /** Addresses of masters, by slot. */
  #slots: (string | undefined)[] = []
  #refreshing: Promise<void> | undefined
  #changes = 0

  constructor(options: RedisWorkerOptions, tally: ConnectionTally) {
    this.#options = options
    this.#tally = tally
    this.patience = options.commandTimeout / 4
  }

  async open(deadline: number): Promise<void> {
    let failure: unknown
    for (const address of this.#options.nodes) {
      try {
        await this.#linksTo(address).next.open(deadline)
      } catch (error) {
        failure = error
        continue
      }
      await this.refresh(deadline)
      if (this.#slots.length === 0) continue
      await Promise.all(this.masters().flatMap(({ links }) => links.map((link) => link.open(deadline))))
      return
    }
    throw failure ?? Object.assign(new Error(NO_CLUSTER), { code: 'CLUSTERDOWN', syscall: 'connect' })
  }

  get changes(): number {
    return this.#changes
  }

  linksFor(key: RedisKey): ServerLinks | undefined {
    const address = this.#slots[slotOf(key)]
    return address === undefined ? undefined : this.#nodes.get(address)
  }

  linksNamed({ code, details }: Refusal): ServerLinks | undefined {
    const [slot, named = ''] = details.split(' ')
    const address = addressIn(named)
    if (address === undefined) return undefined
    const links = this.#linksTo(address)
    if (code === 'MOVED' && this.#slots[Number(slot)] !== nameOf(address)) {
      this.#slots[Number(slot)] = nameOf(address)
      this.#changes++
    }
    return links
  }

  refresh(deadline: number): Promise<void> {
    this.#refreshing ??= this.#refresh(deadline).finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  close(): void {
    for (const links of this.#nodes.values()) links.close()
  }

  /** Asks some at once, those first that a connection leads to: one of them may stand still, or be cut off with a few. */
  async #refresh(deadline: number): Promise<void> {
    const known = [...this.#nodes].map(([name, links]) => ({ name, link: links.next }))
    const left = [...known.filter(({ link }) => link.isOpen), ...known.filter(({ link }) => !link.isOpen)]
    let found: View | undefined
    while (left.length > 0 && found?.isWhole !== true && performance.now() < deadline) {
      const until = Math.min(deadline, performance.now() + PATIENCE)
      const asked = left.splice(0, ASKED_AT_ONCE)
      found = (await firstWhole(asked.map(({ name, link }) => viewOf(name, link, until)))) ?? found
    }
    if (found !== undefined) this.#take(found.ranges)
  }

  #take(ranges: readonly SlotRange[]): void {
    const slots: (string | undefined)[] = new Array(SLOTS).fill(undefined)
    const known = new Set(this.#options.nodes.map(nameOf))
    const masters = new Set(ranges.map(({ master }) => nameOf(master)))
    for (const { from, to, master } of ranges) {
      this.#linksTo(master)
      slots.fill(nameOf(master), from, to + 1)
    }
    if (slots.some((name, slot) => name !== this.#slots[slot])) this.#changes++
    const before = new Set(this.#slots)
    this.#slots = slots
    for (const [name, links] of this.#nodes) {
      if (masters.has(name)) continue
      if (before.has(name)) links.reset()
      if (known.has(name)) continue
      links.close()
      this.#nodes.delete(name)
    }
  }

  masters(): readonly ServerLinks[] {
    return [...new Set(this.#slots)].flatMap((name) => {
      const links = name === undefined ? undefined : this.#nodes.get(name)
      return links ?? []
    })
  }

  #linksTo(address: ServerAddress): ServerLinks {
    const name = nameOf(address)
    let links = this.#nodes.get(name)
    if (links === undefined) {
      links = new ServerLinks({
        address,
        access: this.#options,
        tally: this.#tally,
        connections: this.#options.connectionsPerWorker,
        connectTimeout: this.patience,
      })
      this.#nodes.set(name, links)
    }
    return links
  }
}

const NO_CLUSTER = 'CLUSTERDOWN: no node knows who serves what: is it a cluster?, connect'

function nameOf({ host, port }: ServerAddress): string {
  return `${host}:${port}`
}

function addressIn(name: string): ServerAddress | undefined {
  const at = name.lastIndexOf(':')
  const port = Number(name.slice(at + 1))
  return at > 0 && port > 0 ? { host: name.slice(0, at), port } : undefined
}

async function viewOf(name: string, link: Link, deadline: number): Promise<View | undefined> {
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
async function firstWhole(views: readonly Promise<View | undefined>[]): Promise<View | undefined> {
  const whole = views.map(async (one) => {
    const view = await one
    if (view?.isWhole) return view
    throw new Error('it is cut off, or did not answer')
  })
  return Promise.any(whole).catch(async () => (await Promise.all(views)).find((view) => view !== undefined))
}

/** What `CLUSTER SLOTS` tells; a node that does not know its own name is where it was asked. */
function rangesIn(reply: Reply, asked: string | undefined): SlotRange[] | undefined {
  if (!Array.isArray(reply)) return undefined
  return reply.flatMap((range: Reply) => {
    if (!Array.isArray(range)) return []
    const [from, to, master] = range as readonly Reply[]
    if (typeof from !== 'number' || typeof to !== 'number' || !Array.isArray(master)) return []
    const [name, port] = master as readonly Reply[]
    const host = Buffer.isBuffer(name) && name.length > 0 ? name.toString('latin1') : asked
    return host === undefined || typeof port !== 'number' ? [] : { from, to, master: { host, port } }
  })
}
