import type { Contestant } from './contestant.js'
import type { Answer, Request } from './messages.js'
import { makeContestant } from './open-contestant.js'

/* A contestant's process. It ends when the channel to its parent does, whatever ended that. */

let contestant: Contestant | undefined

async function answer(request: Request): Promise<Answer> {
  if (request.ask === 'open') {
    contestant = await makeContestant(request.description)
    await contestant.open()
    return { answer: 'opened' }
  }
  if (contestant === undefined) throw new Error('a round was asked for before the contestant was opened')
  return { answer: 'round', result: await contestant.round(request.settings) }
}

function reply(message: Answer): void {
  // The parent may be gone by now; then there is nobody to tell.
  if (process.connected) process.send?.(message)
}

async function leave(): Promise<void> {
  try {
    await contestant?.close()
  } finally {
    process.exit()
  }
}

process.on('message', (request: Request) => {
  answer(request).then(reply, (error: unknown) => {
    reply({
      answer: 'failed',
      reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  })
})
process.once('disconnect', () => void leave())
// Ctrl-C reaches the whole group; the parent says when it is over.
process.on('SIGINT', () => undefined)
