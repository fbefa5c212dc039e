import type { SessionEngine } from 'coatcheck'
import { CoatcheckStore } from 'coatcheck/express'
import session, { type SessionData } from 'express-session'
import { type Spread, spreadOf } from '../harness/spread.js'
import { UsageMeter } from '../harness/usage.js'
import { makeKeys } from '../workloads/keys.js'
import { type BenchSession, makeSession } from '../workloads/session.js'

/** What the main thread spends on a save, in microseconds. */
export interface AdapterOverhead {
  /** `engine.save` of what the store would give it. */
  readonly engine: Spread
  /** `store.set` of the sessions of requests. */
  readonly store: Spread
  /** The second less the first, round by round: what disturbed a round disturbed both of them. */
  readonly difference: Spread
}

/** The most that the store for express-session may add to a save. */
export const MOST_OVERHEAD = 2

const AT_ONCE = 256

type Live = SessionData & { visits: number }

/** Measures what the store for express-session adds to `engine.save`; `undefined` where no thread's time can be told. */
export async function measureAdapterOverhead(
  engine: SessionEngine<BenchSession>,
  { rounds, passes }: { readonly rounds: number; readonly passes: number },
): Promise<AdapterOverhead | undefined> {
  const store = new CoatcheckStore({ engine: engine as unknown as SessionEngine<object> })
  const live = makeLiveSessions(store)
  const plain = [...live].map(([key, data]): [string, BenchSession] => [key, plainOf(data)])
  const save = (): Promise<unknown> =>
    Promise.all(
      plain.map(([key, data]) => {
        data.visits++
        return engine.save(key, data, { maxAge: 86_400 })
      }),
    )
  const set = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let missing = live.size
      for (const [key, data] of live) {
        data.visits++
        store.set(key, data, (error?: unknown) => {
          if (error) reject(error)
          else if (--missing === 0) resolve()
        })
      }
    })
  const saves: number[] = []
  const sets: number[] = []
  for (let round = -1; round < rounds; round++) {
    const saved = await microsecondsOf(save, passes)
    const setIn = await microsecondsOf(set, passes)
    if (saved === undefined || setIn === undefined) return undefined
    // The first is for the compiler.
    if (round < 0) continue
    saves.push(saved)
    sets.push(setIn)
  }
  const differences = sets.map((microseconds, index) => microseconds - (saves[index] ?? 0))
  const [engineSpread, storeSpread, difference] = [saves, sets, differences].map(spreadOf)
  if (engineSpread === undefined || storeSpread === undefined || difference === undefined) return undefined
  return { engine: engineSpread, store: storeSpread, difference }
}

/** Sessions as express-session makes them for requests. */
function makeLiveSessions(store: CoatcheckStore): Map<string, Live> {
  session({ store, secret: 'bench', resave: true, saveUninitialized: true, cookie: { maxAge: 86_400_000 } })
  const live = new Map<string, Live>()
  for (const [index, sessionID] of makeKeys(AT_ONCE).entries()) {
    const request = { sessionID, sessionStore: store, headers: {}, connection: {} }
    // What express-session puts on every store, untyped.
    Reflect.apply(Reflect.get(store, 'generate') as (request: object) => void, store, [request])
    const { cookie: _, ...data } = makeSession(index)
    const made = Object.assign(Reflect.get(request, 'session') as Live, data)
    live.set(request.sessionID, made)
  }
  return live
}

/** The same session as the store hands it to the engine. */
function plainOf(live: Live): BenchSession {
  const cookie = Object.entries(
    Reflect.apply(Reflect.get(live.cookie, 'toJSON') as () => object, live.cookie, []),
  )
  return {
    ...live,
    cookie: Object.fromEntries(cookie.filter(([, value]) => value !== undefined)),
  } as unknown as BenchSession
}

async function microsecondsOf(pass: () => Promise<unknown>, passes: number): Promise<number | undefined> {
  const meter = new UsageMeter()
  for (let number = 0; number < passes; number++) await pass()
  const { mainThreadMicroseconds } = meter.read()
  return mainThreadMicroseconds === undefined ? undefined : mainThreadMicroseconds / (passes * AT_ONCE)
}
