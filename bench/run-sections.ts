import { cleaningUp } from './harness/cleanup.js'
import { describeLoad, describeMachine } from './harness/machine.js'
import { allPlaces, describePlace, findPlaces } from './harness/places.js'
import { describeSpeeds } from './harness/processor-speed.js'
import { Progress } from './harness/progress.js'
import { sectionText } from './results/print.js'
import type { SectionResult } from './results/result.js'
import { makeRun, type Run } from './results/run.js'
import type { Section, SectionContext, Thoroughness } from './sections/section.js'
import { findVersions } from './versions.js'

/** What is asked for on the command line. */
export interface RunRequest {
  /** As it was typed. */
  readonly command: string
  readonly sections: readonly Section[]
  readonly thoroughness: Thoroughness
  readonly asked: SectionContext['asked']
  readonly only: readonly string[]
  readonly seed: number
  /** Where on the disk; default the file system of the current directory. */
  readonly directory: string | undefined
}

/** Runs sections one after the other, prints each when it is through, and cleans up. */
export function runSections(request: RunRequest): Promise<Run> {
  const { sections, directory, thoroughness, command, seed } = request
  return cleaningUp(async (cleanup) => {
    const at = new Date()
    const startedAt = performance.now()
    const places = findPlaces(directory, cleanup)
    const described = allPlaces(places).map(describePlace)
    const load = describeLoad()
    console.log([describeMachine(), ...described, ...(load === undefined ? [] : [load])].join('\n'))
    const plans = sections.map((section) => section.plan({ ...request, places }))
    const progress = new Progress(plans.reduce((sum, { steps }) => sum + steps, 0))
    cleanup.add(() => progress.end())
    const speeds: number[] = []
    const results: SectionResult[] = []
    for (const plan of plans) {
      const beganAt = performance.now()
      const found = await plan.run({ cleanup, progress, speeds })
      const result = { ...found, seconds: Math.round((performance.now() - beganAt) / 1000) }
      progress.print(sectionText(result))
      results.push(result)
    }
    progress.end()
    const speed = describeSpeeds(speeds)
    if (speed !== undefined) console.log(`\n${speed}`)
    return makeRun({
      at: at.toISOString(),
      seconds: Math.round((performance.now() - startedAt) / 1000),
      command,
      quick: thoroughness === 'quick',
      seed,
      machine: describeMachine(),
      places: described,
      versions: findVersions(),
      warnings: [load, speed].filter((warning) => warning !== undefined),
      sections: results,
    })
  })
}
