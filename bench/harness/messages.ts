import type { RoundResult, RoundSettings } from './contestant.js'
import type { ContestantDescription } from './open-contestant.js'

/** What a contestant's process is asked; one thing at a time. */
export type Request =
  | { readonly ask: 'open'; readonly description: ContestantDescription }
  | { readonly ask: 'round'; readonly settings: RoundSettings }

/** Its answer. */
export type Answer =
  | { readonly answer: 'opened' }
  | { readonly answer: 'round'; readonly result: RoundResult }
  | { readonly answer: 'failed'; readonly reason: string }
