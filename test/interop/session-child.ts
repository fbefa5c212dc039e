import { files, SessionEngine, StorageError } from 'coatcheck'
import { Session } from 'coatcheck/session'
import type { SessionAnswer, SessionCall } from './session-messages.js'

/* One session in a process of its own, whose system calls the parent can make to fail. */

const [directory = ''] = process.argv.slice(2)
const engine = new SessionEngine<object>({
  storage: files({ directory, layout: 'flat', fsync: true }),
  threads: 1,
  sweepInterval: false,
})
let session = new Session({ engine })

async function obey({ method, key, values = {} }: SessionCall): Promise<void> {
  if (method === 'begin') session = await new Session({ engine, key }).load()
  else if (method === 'flush') await session.flush()
  else {
    session.update(values)
    await session.save()
  }
}

process.on('message', async (call: SessionCall) => {
  let answer: SessionAnswer
  try {
    await obey(call)
    answer = { key: session.key }
  } catch (error) {
    const { name } = error as Error
    const errno = error instanceof StorageError ? error.errno : undefined
    answer = { key: session.key, failure: { name, errno } }
  }
  process.send?.(answer)
})
