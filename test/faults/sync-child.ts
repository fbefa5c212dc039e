import { Opcode } from '#dist/workers/protocol/index.js'
import { StorageDriver } from '../workers/files/storage-driver.js'

/* Applies one batch under fsync, to be watched from outside. The directory is the first argument. */

const directory = process.argv[2] ?? ''
const driver = new StorageDriver({
  directory,
  layout: process.argv[3] === 'flat' ? 'flat' : 'sharded',
  fsync: true,
})
driver.save('there', 'before')
console.error('BATCH')
driver.apply([
  ...Array.from({ length: 20 }, (_, index) => ({ opcode: Opcode.SAVE, key: `k${index}`, text: 'text' })),
  { opcode: Opcode.UPDATE, key: 'there', text: 'text' },
])
console.error('APPLIED')
