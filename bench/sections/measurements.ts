import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import type { Cleanup } from '../harness/cleanup.js'
import type { Place } from '../harness/places.js'
import type { MeasurementAnswer, MeasurementName, MeasurementRequest } from '../memory/child.js'
import type { Figure } from '../memory/measurement.js'
import type { Fact, SectionResult } from '../results/result.js'
import type { Target } from '../results/target.js'
import type { SectionPlan } from './section.js'

/** A measurement, where, and of how much. */
export interface Part {
  readonly title: string
  readonly name: MeasurementName
  readonly place: Place
  readonly amount: number
}

/** A section of measurements that are made once, one after the other. */
export function measurementsPlan(
  section: Pick<SectionResult, 'name' | 'title' | 'about'>,
  parts: readonly Part[],
): SectionPlan {
  return {
    steps: parts.length,
    run: async ({ cleanup, progress }) => {
      const facts: Fact[] = []
      const targets: Target[] = []
      for (const part of parts) {
        progress.show(part.title)
        for (const { name: what, value, unit, most } of await measure(part, cleanup)) {
          const name = `${part.title}: ${what}`
          facts.push({ name, value, unit })
          if (most !== undefined)
            targets.push({ name, goal: { most }, measured: { median: value, least: value, most: value } })
        }
        progress.advance()
      }
      const command = `npm run bench -- ${section.name}`
      return { ...section, command, missing: [], groups: [], facts, targets }
    },
  }
}

/** Each in a process of its own: no garbage of one is counted for another. */
async function measure({ name, place, amount }: Part, cleanup: Cleanup): Promise<Figure[]> {
  const directory = `${place.directory}/${name}`
  mkdirSync(directory, { mode: 0o700 })
  const child = fork(new URL('../memory/child.js', import.meta.url), { execArgv: ['--expose-gc'] })
  const exited = once(child, 'exit')
  cleanup.add(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const request: MeasurementRequest = { name, options: { directory, amount } }
  child.send(request)
  const [answer] = (await Promise.race([once(child, 'message'), exited.then(endedEarly)])) as [
    MeasurementAnswer,
  ]
  child.disconnect()
  await exited
  if ('reason' in answer) throw new Error(`${name} failed: ${answer.reason}`)
  return answer.figures
}

function endedEarly(): never {
  throw new Error('the process of a measurement ended before it had answered')
}
