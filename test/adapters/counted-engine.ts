import { type Expiry, SessionEngine } from 'coatcheck'

/** Counts what an adapter asks of its engine, and keeps the expiries that it gives. */
export class CountedEngine extends SessionEngine<object> {
  readonly #counts: Record<string, number> = {}
  /** The expiry of the last save or update. */
  lastExpiry: Expiry | undefined

  override load(key: string): Promise<object | undefined> {
    this.#count('load')
    return super.load(key)
  }

  override save(key: string, session: object, expiry?: Expiry): Promise<void> {
    this.#count('save')
    this.lastExpiry = expiry
    return super.save(key, session, expiry)
  }

  override update(key: string, session: object, expiry?: Expiry): Promise<void> {
    this.#count('update')
    this.lastExpiry = expiry
    return super.update(key, session, expiry)
  }

  override delete(key: string): Promise<void> {
    this.#count('delete')
    return super.delete(key)
  }

  /** The counts since the last call. */
  take(): Record<string, number> {
    const counts = { ...this.#counts }
    for (const name of Object.keys(this.#counts)) delete this.#counts[name]
    return counts
  }

  #count(name: string): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + 1
  }
}
