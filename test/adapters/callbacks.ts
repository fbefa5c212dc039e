import type { CoatcheckStore } from 'coatcheck/express'
import type { SessionData } from 'express-session'

/*
 * The store's methods as promises.
 */

// express-session's own load() calls back without any argument when there is no session.
type Answer<Value> = (error?: Error | null, value?: Value) => void

/** What a call gives its callback; rejects with its error. */
export function answerOf<Value>(call: (callback: Answer<Value>) => void): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    call((error, value) => {
      if (error === null || error === undefined) resolve(value)
      else reject(error)
    })
  })
}

export const getFrom = (store: CoatcheckStore, key: string) =>
  answerOf<SessionData | null>((callback) => store.get(key, callback))

export const setIn = (store: CoatcheckStore, key: string, data: object) =>
  answerOf<void>((callback) => store.set(key, data as SessionData, callback))

export const destroyIn = (store: CoatcheckStore, key: string) =>
  answerOf<void>((callback) => store.destroy(key, callback))

export const touchIn = (store: CoatcheckStore, key: string, data: object) =>
  answerOf<void>((callback) => store.touch(key, data as SessionData, callback))
