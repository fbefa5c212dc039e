import { writeFileSync } from 'node:fs'
import { SessionEngine } from 'coatcheck'
import { cleaningUp } from '../harness/cleanup.js'
import { figure, spreadFigure } from '../harness/figures.js'
import { describeLoad, describeMachine } from '../harness/machine.js'
import { describePlace, findPlaces } from '../harness/places.js'
import { Progress } from '../harness/progress.js'
import { formatTable } from '../harness/table.js'
import { adapterCases } from '../micro/adapter-cases.js'
import { MOST_OVERHEAD, measureAdapterOverhead } from '../micro/adapter-overhead.js'
import { codecCases } from '../micro/codec-cases.js'
import { engineCases } from '../micro/engine-cases.js'
import { keyCases } from '../micro/key-cases.js'
import { recordCases } from '../micro/record-cases.js'
import { type CaseResult, runCase } from '../micro/run.js'
import { sessionCases } from '../micro/session-cases.js'
import type { BenchSession } from '../workload.js'

/** Options of the bench from the command line. */
export interface MicroOptions {
  readonly only: readonly string[]
  readonly quick: boolean
  readonly output?: string
}

const ADAPTER = 'store.set of express-session over engine.save'

/** Single steps of a save, each alone in a loop; and what an adapter adds to it. */
export async function benchMicro({ only, quick, output }: MicroOptions): Promise<void> {
  await cleaningUp(async (cleanup) => {
    const [place] = findPlaces(undefined, cleanup)
    if (place === undefined) throw new Error('no place to save to')
    const engine = new SessionEngine<BenchSession>({ directory: `${place.directory}/sessions` })
    cleanup.add(() => engine.close())
    await engine.ready()
    console.log(describeMachine())
    console.log(describePlace(place))
    const load = describeLoad()
    if (load !== undefined) console.log(load)
    const progress = new Progress()
    const results: CaseResult[] = []
    const cases = [
      ...codecCases(),
      ...keyCases(),
      ...recordCases(),
      ...engineCases(engine),
      ...(await sessionCases(engine)),
      ...(await adapterCases()),
    ]
    for (const step of cases.filter(
      ({ name }) => only.length === 0 || only.some((word) => name.includes(word)),
    )) {
      progress.show(step.name)
      results.push(await runCase(step, quick ? 0.2 : 2))
    }
    const named = only.length === 0 || only.some((word) => ADAPTER.includes(word))
    if (named) progress.show(ADAPTER)
    const overhead = named
      ? await measureAdapterOverhead(engine, { rounds: quick ? 5 : 25, passes: 40 })
      : undefined
    progress.done()
    const rows = results.map(({ name, perSecond, margin }) => [
      name,
      figure(perSecond),
      figure(1e6 / perSecond),
      `± ${margin.toFixed(1)} %`,
    ])
    console.log(formatTable(['', 'a second', 'µs each', 'margin'], rows))
    if (overhead !== undefined) {
      const { engine: bare, store, difference } = overhead
      console.log(
        `${ADAPTER}: ${spreadFigure(difference)} µs of the main thread a save, goal at most ${MOST_OVERHEAD} ` +
          `(${spreadFigure(store)} and ${spreadFigure(bare)})`,
      )
    }
    if (output !== undefined) writeFileSync(output, `${JSON.stringify({ results, overhead }, null, 2)}\n`)
  })
}
