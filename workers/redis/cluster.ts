import slotOf from 'cluster-key-slot'
import type { ConnectionTally } from '../protocol/index.js'
import { before } from './before.js'
import { addressIn, firstWhole, nameOf, type SlotRange, type View, viewOf } from './cluster-view.js'
import type { RedisKey } from './key-names.js'
import type { RedisWorkerOptions, ServerAddress } from './options.js'
import type { Refusal } from './replies.js'
import { ServerLinks } from './server-links.js'
import type { Servers } from './servers.js'

/** As many as a cluster has, https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/ */
const SLOTS = 16_384
/** Nodes that are asked at once who has what. */
const ASKED_AT_ONCE = 3
/** Milliseconds that they may take to tell, before others are asked. */
const PATIENCE = 1000

/** Milliseconds that a connection may take where patience is shorter: some need several round trips. */
const LEAST_CONNECT_TIMEOUT = 500

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
  /** Nodes that had no slots, as far as was known the last time. */
  readonly #unused = new Set<string>()

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
      const opened = this.masters().map(({ links }) => Promise.all(links.map((link) => link.open(deadline))))
      // One that is away has a replica that will take over; where there is none, that is told with its first session.
      await Promise.any(opened).catch(({ errors }: AggregateError) => {
        throw errors[0]
      })
      await Promise.allSettled(opened)
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

  linksNamed({ code, details }: Refusal, by: ServerLinks | undefined): ServerLinks | undefined {
    const [slot, named = ''] = details.split(' ')
    const address = addressIn(named, by?.address.host)
    if (address === undefined) return undefined
    const links = this.#linksTo(address)
    this.#unused.delete(nameOf(address))
    if (code === 'MOVED' && this.#slots[Number(slot)] !== nameOf(address)) {
      this.#slots[Number(slot)] = nameOf(address)
      this.#changes++
    }
    return links
  }

  async refresh(deadline: number): Promise<void> {
    this.#refreshing ??= this.#refresh(deadline).finally(() => {
      this.#refreshing = undefined
    })
    // It may be another one's, who has more time.
    await before(deadline, this.#refreshing).catch(() => undefined)
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
      if (masters.has(name) || !before.has(name)) continue
      links.reset()
    }
    this.#closeUnused((name) => masters.has(name) || known.has(name))
  }

  /** Whoever has had no slots for a while. One that slots are just moving to has none at first, and is asked all the same. */
  #closeUnused(isUsed: (name: string) => boolean): void {
    for (const [name, links] of this.#nodes) {
      if (isUsed(name) || links.isBusy) this.#unused.delete(name)
      else if (this.#unused.has(name)) {
        links.close()
        this.#nodes.delete(name)
        this.#unused.delete(name)
      } else this.#unused.add(name)
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
        connectTimeout: Math.max(this.patience, LEAST_CONNECT_TIMEOUT),
        mastersOnly: false,
      })
      this.#nodes.set(name, links)
    }
    return links
  }
}

const NO_CLUSTER = 'CLUSTERDOWN: no node knows who serves what: is it a cluster?, connect'
