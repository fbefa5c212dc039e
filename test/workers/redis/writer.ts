import * as assert from 'uvu/assert'

/** What a writer's sessions hold. */
export interface Counted {
  readonly saves: number
}

/** How a save was refused: the error's name, and its code if it has one. */
export interface RefusedSave {
  readonly name: string
  readonly errno?: string
}

/** Saves of one session, before the next one has its turn: a later save would hide that an earlier one was lost. */
const SAVES_EACH = 3

/** Whoever saves one session a few times, then another one, again and again, and knows what he was told. */
export class Writer {
  readonly #name: string
  /** Resolves with how it was refused, where it was. */
  readonly #save: (key: string, session: Counted) => Promise<RefusedSave | undefined>
  /** Which of its saves was confirmed last, by session. */
  readonly #confirmed = new Map<string, number>()
  issued = 0
  confirmed = 0
  readonly refused: RefusedSave[] = []

  constructor(name: string, save: (key: string, session: Counted) => Promise<RefusedSave | undefined>) {
    this.#name = name
    this.#save = save
  }

  async save(): Promise<void> {
    const saves = this.issued++
    const key = `${this.#name}-${Math.floor(saves / SAVES_EACH)}`
    const refused = await this.#save(key, { saves })
    if (refused !== undefined) {
      this.refused.push(refused)
      return
    }
    this.confirmed = saves
    this.#confirmed.set(key, saves)
  }

  async saveUntil(isOver: () => boolean): Promise<void> {
    while (!isOver()) await this.save()
  }

  /** Nothing confirmed is lost, and nothing is there that came before it. */
  async check(load: (key: string) => Promise<Counted | undefined>): Promise<void> {
    assert.ok(this.#confirmed.size > 0)
    await Promise.all(
      [...this.#confirmed].map(async ([key, confirmed]) => {
        const found = await load(key)
        assert.ok(found !== undefined, `${key} is lost, which was confirmed`)
        const latest = Math.min(this.issued - 1, confirmed - (confirmed % SAVES_EACH) + SAVES_EACH - 1)
        assert.ok(
          found.saves >= confirmed && found.saves <= latest,
          `${key}: ${confirmed} <= ${found.saves} <= ${latest}`,
        )
      }),
    )
  }
}
