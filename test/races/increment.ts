import { ConflictError, type SessionEngine } from 'coatcheck'

/** Adds one to a counter, whatever others do to it meanwhile; resolves to how often they were faster. */
export async function increment(engine: SessionEngine, key: string): Promise<number> {
  for (let conflicts = 0; ; conflicts++) {
    const loaded = await engine.loadVersion(key)
    if (loaded === undefined) throw new Error('the counter is gone')
    try {
      await engine.replace(key, { count: Number(loaded.session.count) + 1 }, loaded.version)
      return conflicts
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error
    }
  }
}
