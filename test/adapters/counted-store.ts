import { CoatcheckStore } from 'coatcheck/express'

/** Counts what express-session asks of the store. */
export class CountedStore extends CoatcheckStore {
  readonly calls: Record<string, number> = {}

  override get(...values: Parameters<CoatcheckStore['get']>): void {
    this.#count('get')
    super.get(...values)
  }

  override set(...values: Parameters<CoatcheckStore['set']>): void {
    this.#count('set')
    super.set(...values)
  }

  override destroy(...values: Parameters<CoatcheckStore['destroy']>): void {
    this.#count('destroy')
    super.destroy(...values)
  }

  override touch(...values: Parameters<CoatcheckStore['touch']>): void {
    this.#count('touch')
    super.touch(...values)
  }

  /** The counts since the last call. */
  take(): Record<string, number> {
    const calls = { ...this.calls }
    for (const name of Object.keys(this.calls)) delete this.calls[name]
    return calls
  }

  #count(name: string): void {
    this.calls[name] = (this.calls[name] ?? 0) + 1
  }
}
