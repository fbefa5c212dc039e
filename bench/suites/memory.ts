import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { type Cleanup, cleaningUp } from '../harness/cleanup.js'
import { figure } from '../harness/figures.js'
import { describeLoad, describeMachine } from '../harness/machine.js'
import { describePlace, findPlaces, type Place } from '../harness/places.js'
import { Progress } from '../harness/progress.js'
import { formatTable } from '../harness/table.js'
import type { MeasurementAnswer, MeasurementName, MeasurementRequest } from '../memory/child.js'
import type { Figure } from '../memory/measurement.js'

/** Options of the bench from the command line. */
export interface MemoryOptions {
  readonly saves: number
  readonly sessions: number
  readonly only: readonly string[]
  readonly quick: boolean
  readonly directory?: string
  readonly output?: string
}

interface Part {
  readonly title: string
  readonly name: MeasurementName
  readonly place: Place
  readonly amount: number
}

/** What sessions cost that wait or lie idle, and what an operation takes that waits alone. */
export async function benchMemory(options: MemoryOptions): Promise<void> {
  await cleaningUp(async (cleanup) => {
    const places = findPlaces(options.directory, cleanup)
    const progress = new Progress()
    console.log(describeMachine())
    for (const place of places) console.log(describePlace(place))
    const load = describeLoad()
    if (load !== undefined) console.log(load)
    const measured: (Part & { readonly figures: Figure[] })[] = []
    for (const part of partsOf(options, places)) {
      progress.show(part.title)
      const figures = await measure(part, cleanup)
      progress.done()
      console.log(`\n${part.title}\n${figuresTable(figures)}`)
      measured.push({ ...part, figures })
    }
    if (options.output !== undefined) writeFileSync(options.output, `${JSON.stringify(measured, null, 2)}\n`)
  })
}

function partsOf({ saves, sessions, only, quick }: MemoryOptions, places: readonly Place[]): Part[] {
  const fast = places[0]
  const disk = places.at(-1)
  if (fast === undefined || disk === undefined) return []
  const quickly = (amount: number, quickAmount: number): number =>
    quick ? Math.min(amount, quickAmount) : amount
  const parts: Part[] = [
    {
      title: `pending and idle sessions, ${fast.name}`,
      name: 'pending',
      place: fast,
      amount: quickly(50_000, 20_000),
    },
    {
      title: `memory over many saves, ${fast.name}`,
      name: 'flat',
      place: fast,
      amount: quickly(saves, 200_000),
    },
    { title: `opening, ${disk.name}`, name: 'opening', place: disk, amount: quickly(sessions, 50_000) },
    ...places.map((place): Part => {
      const title = `an operation that waits alone, ${place.name}`
      return { title, name: 'latency', place, amount: quickly(2_000, 300) }
    }),
  ]
  return only.length === 0 ? parts : parts.filter(({ name }) => only.some((word) => name.includes(word)))
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
