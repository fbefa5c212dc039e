import { SessionEngine } from 'coatcheck'
import { adapterCases } from '../micro/adapter-cases.js'
import { MOST_OVERHEAD, measureAdapterOverhead } from '../micro/adapter-overhead.js'
import type { Case } from '../micro/case.js'
import { codecCases } from '../micro/codec-cases.js'
import { engineCases } from '../micro/engine-cases.js'
import { keyCases } from '../micro/key-cases.js'
import { recordCases } from '../micro/record-cases.js'
import { runCase } from '../micro/run.js'
import { sessionCases } from '../micro/session-cases.js'
import type { Line } from '../results/result.js'
import type { BenchSession } from '../workloads/session.js'
import type { Section, Thoroughness } from './section.js'

const ADAPTER = 'store.set of express-session over engine.save'

const SECONDS: Readonly<Record<Thoroughness, number>> = { alone: 2, run: 0.3, quick: 0.05 }
const ADAPTER_ROUNDS: Readonly<Record<Thoroughness, number>> = { alone: 25, run: 9, quick: 3 }
const ADAPTER_PASSES = 40

/** Single steps of a save, each alone in a loop; and what an adapter adds to it. */
export const MICRO: Section = {
  name: 'micro',
  summary: 'single steps of a save, by Benchmark.js',
  plan({ places, only: words, thoroughness }) {
    const place = places.tmpfs ?? places.disk
    const isNamed = (name: string): boolean => words.length === 0 || words.some((word) => name.includes(word))
    return {
      steps: 1,
      run: async ({ cleanup, progress }) => {
        const engine = new SessionEngine<BenchSession>({ directory: `${place.directory}/micro` })
        cleanup.add(() => engine.close())
        await engine.ready()
        const lines: Line[] = []
        const cases = thoroughness === 'quick' ? fewCases(engine) : await allCases(engine)
        for (const step of cases.filter(({ name }) => isNamed(name))) {
          progress.show(step.name)
          lines.push(lineOf(step.name, await runCase(step, SECONDS[thoroughness])))
        }
        const overhead = isNamed(ADAPTER)
          ? await measureAdapterOverhead(engine, {
              rounds: ADAPTER_ROUNDS[thoroughness],
              passes: ADAPTER_PASSES,
            })
          : undefined
        progress.advance()
        return {
          name: 'micro',
          title: 'Single steps of a save',
          about: [
            `By Benchmark.js, each alone in a loop, where nothing has to be fetched from memory. What touches files does it on ${place.fileSystem.name}.`,
          ],
          command: 'npm run bench -- micro',
          missing: [],
          groups: [{ title: 'Steps', measures: ['microseconds', 'perSecond'], charts: [], lines }],
          targets: [
            {
              name: `${ADAPTER}, µs of the main thread a save`,
              goal: { most: MOST_OVERHEAD },
              measured: overhead?.difference,
            },
          ],
        }
      },
    }
  },
}

/** Of our own steps alone. */
function fewCases(engine: SessionEngine<BenchSession>): Case[] {
  return [...codecCases(), ...keyCases(), ...engineCases(engine)]
}

async function allCases(engine: SessionEngine<BenchSession>): Promise<Case[]> {
  return [...fewCases(engine), ...recordCases(), ...(await sessionCases(engine)), ...(await adapterCases())]
}

/** Its margin of error is where rounds would have been. */
function lineOf(
  name: string,
  { perSecond, margin }: { readonly perSecond: number; readonly margin: number },
): Line {
  const around = [perSecond * (1 - margin / 100), perSecond, perSecond * (1 + margin / 100)]
  return {
    id: name,
    label: name,
    figures: { perSecond: around, microseconds: around.map((rate) => 1e6 / rate) },
  }
}
