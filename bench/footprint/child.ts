import { accessSync, mkdirSync } from 'node:fs'
import { makePeer } from '../peers/make-peer.js'
import { makeWorkload } from '../workloads/workload.js'
import { BEGIN, END, SAVES, SESSIONS } from './marks.js'
import type { FootprintRequest } from './request.js'

/*
 * node child.js REQUEST: saves under the eyes of strace, sessions that are there already. What is counted lies between two
 * looks at files that there never are.
 */

const CALLERS = 32

function look(path: string): void {
  try {
    accessSync(path)
  } catch {
    // There is no such file; strace has seen the question.
  }
}

const { directory, peer: description } = JSON.parse(process.argv[2] ?? '') as FootprintRequest
mkdirSync(directory, { recursive: true, mode: 0o700 })
const peer = await makePeer(description)
await peer.open()
const { keys, sessions } = makeWorkload(SESSIONS, SESSIONS)

async function save(count: number): Promise<void> {
  let next = 0
  const call = async (): Promise<void> => {
    for (let turn = next++; turn < count; turn = next++) {
      const session = sessions[turn % SESSIONS]
      if (session === undefined) return
      session.visits++
      await peer.save(keys[turn % SESSIONS] ?? '', session)
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, call))
}

await save(SESSIONS)
look(BEGIN)
await save(SAVES)
look(END)
await peer.close()
