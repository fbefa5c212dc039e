import type { SealOptions } from 'coatcheck'
import { type RedisOptions, redis } from 'coatcheck/redis'
import type { StorageSubject } from './subject.js'

let storages = 0

/** Sessions on these servers; each storage has a prefix, and so a part of them, of its own. */
export function redisSubject(
  name: string,
  servers: RedisOptions,
  { threads = 2, seal }: { readonly threads?: number; readonly seal?: SealOptions } = {},
): StorageSubject {
  return {
    name: `${name}, ${threads} threads${seal === undefined ? '' : ', sealed'}`,
    threads,
    shared: true,
    anyKeys: true,
    ...(seal === undefined ? {} : { seal }),
    makeStorage: () => ({
      storage: redis({ ...servers, prefix: `storage${storages++}:` }),
      cleanup: () => undefined,
    }),
  }
}
