import { SessionEngine, StorageError } from 'coatcheck'

type Failing = 'create' | 'delete' | 'load' | 'loadVersion' | 'replace'

/** An engine whose next call of one kind fails, as a disk's would; and whose next key is somebody else's. */
export class FailingEngine extends SessionEngine<object> {
  #failing: Failing | undefined
  #seized: object | undefined
  seizedKey = ''

  failNext(method: Failing): void {
    this.#failing = method
  }

  /** The next key that is to be created has been taken by somebody else a moment before. */
  seizeNext(session: object): void {
    this.#seized = session
  }

  override create(...call: Parameters<SessionEngine<object>['create']>): Promise<void> {
    const seized = this.#seized
    if (seized !== undefined) {
      this.#seized = undefined
      this.seizedKey = call[0]
      super.create(call[0], seized)
    }
    return this.#fails('create') ?? super.create(...call)
  }

  override delete(key: string): Promise<void> {
    return this.#fails('delete') ?? super.delete(key)
  }

  override load(key: string): Promise<object | undefined> {
    return this.#fails('load') ?? super.load(key)
  }

  override loadVersion(key: string): ReturnType<SessionEngine<object>['loadVersion']> {
    return this.#fails('loadVersion') ?? super.loadVersion(key)
  }

  override replace(
    ...call: Parameters<SessionEngine<object>['replace']>
  ): ReturnType<SessionEngine<object>['replace']> {
    return this.#fails('replace') ?? super.replace(...call)
  }

  #fails(method: Failing): Promise<never> | undefined {
    if (this.#failing !== method) return undefined
    this.#failing = undefined
    return Promise.reject(new StorageError('EIO', 'the disk has failed'))
  }
}
