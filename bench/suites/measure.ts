import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import type { Cleanup } from '../harness/cleanup.js'
import { figure } from '../harness/figures.js'
import { describeLoad, describeMachine } from '../harness/machine.js'
import { describePlace, type Place } from '../harness/places.js'
import type { Progress } from '../harness/progress.js'
import { formatTable } from '../harness/table.js'
import type { MeasurementAnswer, MeasurementName, MeasurementRequest } from '../memory/child.js'
import type { Figure } from '../memory/measurement.js'

/** A measurement, where, and of how much. */
export interface Part {
  readonly title: string
  readonly name: MeasurementName
  readonly place: Place
  readonly amount: number
}

/** Measures one part after the other and prints what comes out. */
export async function measureParts(
  parts: readonly Part[],
  { places, cleanup, progress }: { places: readonly Place[]; cleanup: Cleanup; progress: Progress },
): Promise<(Part & { readonly figures: Figure[] })[]> {
  console.log(describeMachine())
  for (const place of places) console.log(describePlace(place))
  const load = describeLoad()
  if (load !== undefined) console.log(load)
  const measured: (Part & { readonly figures: Figure[] })[] = []
  for (const part of parts) {
    progress.show(part.title)
    const figures = await measure(part, cleanup)
    progress.done()
    console.log(`\n${part.title}\n${figuresTable(figures)}`)
    measured.push({ ...part, figures })
  }
  return measured
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

function figuresTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, unit, most }) => [
    name,
    `${figure(value)} ${unit}`.trim(),
    most === undefined ? '' : `≤ ${figure(most)}`,
    most === undefined ? '' : value <= most ? 'ok' : 'missed',
  ])
  return formatTable(['', 'measured', 'goal', ''], rows)
}
