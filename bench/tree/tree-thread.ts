import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { msgpack } from 'coatcheck'
import { Layout } from '#dist/workers/files/layout.js'
import { keyHash } from '#dist/workers/protocol/index.js'
import { composeRecord } from '#dist/workers/record/record.js'
import { makeKeys } from '../workloads/keys.js'
import { makeSession } from '../workloads/session.js'
import type { TreeOptions } from './build-tree.js'

/*
 * Makes session files as the engine would have left them, by the shortest way: no temporary files, for nobody
 * reads them yet.
 */

const { directory, amount, from, to } = workerData as TreeOptions
const layout = new Layout({
  directory,
  layout: 'sharded',
  prefix: '',
  fsync: false,
  hashNames: false,
  maxRecordBytes: 2 ** 20,
  orphanGrace: 3_600_000,
  exclusive: false,
})
const codec = msgpack()
const payload = Uint8Array.from(codec.encode(makeSession(0)))
const expiry = Date.now() + 86_400_000

for (const shard of layout.directories) mkdirSync(shard, { recursive: true, mode: 0o700 })
for (const [index, key] of makeKeys(amount).slice(from, to).entries()) {
  const header = {
    keyLength: key.length,
    payloadLength: payload.length,
    expiry,
    writeId: [index, 0] as const,
    codec: codec.id,
    keyIncluded: false,
    writtenByUpdate: false,
  }
  const { file } = layout.place(key, keyHash(key))
  writeFileSync(file, composeRecord(undefined, payload, header), { mode: 0o600 })
  utimesSync(file, expiry / 1000, expiry / 1000)
}
