import { ROTATED } from '../workers/files/journal/frames-on-disk.js'
import { StorageDriver } from '../workers/files/storage-driver.js'
import type { ResealSetting } from './resealing.js'
import { tell } from './script-steps.js'

/* Seals what is there anew, in one thread, and tells how far it has come; see resealing.ts. */

const setting = JSON.parse(process.argv[2] ?? '') as ResealSetting
tell('opening')
const driver = new StorageDriver({ ...setting, seal: ROTATED })
tell('ready')
const { refused } = driver.walk('reseal')
for (const { reason } of refused) tell('corrupt', reason)
tell('closing')
await driver.storage.close()
tell('closed')
process.disconnect()
