import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** Starts a program beside this file; it is killed when the test's process ends before it does. */
export function startProgram(name: string, options: unknown): ChildProcess {
  const child = fork(new URL(`./${name}`, import.meta.url), [JSON.stringify(options)])
  const stop = (): void => void child.kill('SIGKILL')
  process.once('exit', stop)
  child.once('exit', () => process.off('exit', stop))
  return child
}

/** The next message of a child; rejects when it ends without one. */
export async function nextMessage(child: ChildProcess): Promise<unknown> {
  const gone = new AbortController()
  const ended = once(child, 'exit', { signal: gone.signal }).then(() => {
    throw new Error('the process ended without a word')
  })
  // It loses the race when the message comes, and is called off.
  ended.catch(() => undefined)
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal: gone.signal }), ended])) as [
      unknown,
    ]
    return message
  } finally {
    gone.abort()
  }
}

/** Waits for the end of a child, in case it has not come. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
