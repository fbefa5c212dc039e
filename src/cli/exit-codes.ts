/** What the command line's exit codes mean; `docs/command-line.md` and `--help` tell the same. */
export const ExitCode = {
  DONE: 0,
  /** It could not be done, or something stored is damaged. */
  FAILED: 1,
  /** The command makes no sense as it was given; nothing was done. */
  WRONG_USAGE: 2,
} as const
