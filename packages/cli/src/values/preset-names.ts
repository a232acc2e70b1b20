import type { PresetName } from '@cairn/ledger'

/** Committees by name. Spelled out here, so that help and a usage error load no ledger. */
export const PRESET_NAMES = ['single', 'cft-3', 'bft-4', 'cft-5', 'bft-7', 'geo-10'] as const satisfies readonly PresetName[]
