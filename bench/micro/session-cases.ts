import type { SessionEngine } from 'coatcheck'
import { type ConflictPolicy, Session, type SessionOptions } from 'coatcheck/session'
import { makeKeys } from '../workloads/keys.js'
import { type BenchSession, makeSession } from '../workloads/session.js'
import type { Case } from './case.js'

const AT_ONCE = 256

/** What a Session object costs beside the engine that it saves to: each with the same update, bare, to compare with. */
export async function sessionCases(engine: SessionEngine<BenchSession>): Promise<Case[]> {
  const keys = makeKeys(AT_ONCE)
  await Promise.all(keys.map((key, index) => engine.save(key, makeSession(index))))
  const values = keys.map((_, index) => makeSession(index))
  const update = (session: BenchSession, index: number): Promise<void> => {
    session.visits++
    return engine.update(keys[index] ?? '', session, { maxAge: 1000 })
  }
  const open = (conflict: ConflictPolicy): Promise<Session<BenchSession>[]> =>
    Promise.all(keys.map((key) => new Session<BenchSession>({ engine, key, conflict }).load()))
  const lastWins = await open('last-wins')
  const merge = await open('merge')
  const [alone] = await Promise.all([
    new Session<BenchSession>({ engine: idleEngine(), key: keys[0] }).load(),
  ])
  return [
    { name: 'Session.set and save, without an engine', step: () => setAndSave(alone) },
    { name: `engine.update, ${AT_ONCE} at once`, asyncStep: () => Promise.all(values.map(update)) },
    {
      name: `Session.set and save, ${AT_ONCE} at once`,
      asyncStep: () => Promise.all(lastWins.map(setAndSave)),
    },
    {
      name: `Session.set and save, merge, ${AT_ONCE} at once`,
      asyncStep: () => Promise.all(merge.map(setAndSave)),
    },
    {
      name: 'new Session, load, set and save, without an engine',
      asyncStep: async () => {
        const session = new Session<BenchSession>({ engine: idleEngine(), key: keys[0] })
        await setAndSave(await session.load())
      },
    },
  ]
}

function setAndSave(session: Session<BenchSession>): Promise<void> {
  session.set('visits', session.get('visits', 0) + 1)
  return session.save()
}

/** Takes everything and stores nothing, so that what is left is the Session's own share. */
function idleEngine(): SessionOptions['engine'] {
  const done = Promise.resolve()
  const idle = async (): Promise<void> => done
  const engine = {
    create: idle,
    update: () => done,
    replace: idle,
    touch: idle,
    load: async () => makeSession(0),
    loadVersion: idle,
    exists: idle,
    delete: idle,
  }
  return engine as unknown as SessionOptions['engine']
}
