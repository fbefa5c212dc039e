import type { InterleaveSettings } from '../harness/interleave.js'
import type { SectionContext, Thoroughness } from './section.js'

/** Rounds of a comparison, and their length in seconds. */
type Lengths = Pick<InterleaveSettings, 'rounds' | 'seconds' | 'warmUp'>

const LENGTHS: Readonly<Record<Thoroughness, Lengths>> = {
  alone: { rounds: 5, seconds: 1, warmUp: 4 },
  run: { rounds: 5, seconds: 0.4, warmUp: 1.2 },
  quick: { rounds: 2, seconds: 0.2, warmUp: 0.3 },
}

/** Share of a round that comes before it and does not count. */
const LEAD_IN = 0.2
const CALLERS = 256

/** The settings of a comparison: what was asked for; else the section's own; else what goes with how thorough it is to be. */
export function settingsFor(
  { thoroughness, asked }: SectionContext,
  own: {
    readonly callers?: number
    readonly lengths?: Partial<Readonly<Record<Thoroughness, Partial<Lengths>>>>
  } = {},
): InterleaveSettings {
  const lengths = { ...LENGTHS[thoroughness], ...own.lengths?.[thoroughness] }
  const { rounds = lengths.rounds, seconds = lengths.seconds, callers = own.callers ?? CALLERS } = asked
  return { rounds, seconds, callers, warmUp: lengths.warmUp, leadIn: seconds * LEAD_IN }
}

/** What is to be said of them. */
export function describeSettings({
  rounds,
  seconds,
  warmUp,
  callers,
  perSecond,
}: InterleaveSettings): string {
  const who = perSecond === undefined ? `${callers} callers in a closed loop` : 'an open loop'
  return `${who}; ${rounds} interleaved rounds of ${seconds} s after ${warmUp} s of warm-up, each contestant in a process of its own`
}
