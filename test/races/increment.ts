import { ConflictError, type SessionEngine } from 'coatcheck'

/** Adds one to a counter so many times, whatever others do to it; resolves to how often they were faster. */
export async function increment(engine: SessionEngine, key: string, times: number): Promise<number> {
  let conflicts = 0
  for (let done = 0; done < times; ) {
    const loaded = await engine.loadVersion(key)
    if (loaded === undefined) throw new Error('the counter is gone')
    try {
      await engine.replace(key, { count: Number(loaded.session.count) + 1 }, loaded.version)
      done++
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error
      conflicts++
    }
  }
  return conflicts
}
