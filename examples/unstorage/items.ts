import { coatcheckDriver } from 'coatcheck/unstorage'
import { createStorage } from 'unstorage'
import { exampleDirectory } from '../example-directory.js'

/*
 * Items that outlive the process. `node build/examples/unstorage/items.js [DIRECTORY]`, twice on one directory, shows it.
 */

interface User {
  readonly name: string
  readonly runs: number
}

const directory = exampleDirectory(process.argv[2])
const storage = createStorage()
storage.mount('disk', coatcheckDriver({ directory, ttl: 86_400 }))

const before = await storage.getItem<User>('disk:user:ada')
await storage.setItem('disk:user:ada', { name: 'Ada', runs: (before?.runs ?? 0) + 1 })
await storage.setItem('disk:code:1234', 'valid for a minute', { ttl: 60 })
await storage.setItem('memory-only', 'gone with the process')

console.log(`items in ${directory}: ${(await storage.getKeys('disk')).sort().join(', ')}`)
console.log('user:ada is', await storage.getItem('disk:user:ada'))
const { ttl } = await storage.getMeta('disk:code:1234')
console.log(`code:1234 lives for ${ttl} seconds`)

// Stores what is still waiting, and ends the workers.
await storage.dispose()
