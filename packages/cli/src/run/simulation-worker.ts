// A thread that rehearses: each run takes the clock and chance away from everything in its thread, so that many can go on at once.
import { type LedgerOutcome, type LedgerSimulation, simulateLedger } from '@cairn/simulator'
import { serveCalls } from '@cairn/storage/worker'

serveCalls((simulations: readonly LedgerSimulation[]): readonly LedgerOutcome[] => simulations.map(simulateLedger))
