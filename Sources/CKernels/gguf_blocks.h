// Block layouts of GGUF's quantized types (source: the GGUF specification and gguf-py's
// quants.py). All are packed, little-endian, and may be unaligned in a file.
#pragma once
#include <stdint.h>

typedef struct __attribute__((packed)) { uint16_t d; uint8_t q[16]; } block_q4_0;
typedef struct __attribute__((packed)) { uint16_t d, m; uint8_t q[16]; } block_q4_1;
typedef struct __attribute__((packed)) { uint16_t d; uint8_t high[4], q[16]; } block_q5_0;
typedef struct __attribute__((packed)) { uint16_t d, m; uint8_t high[4], q[16]; } block_q5_1;
typedef struct __attribute__((packed)) { uint16_t d; int8_t q[32]; } block_q8_0;
// Super-blocks of 256: eight sub-blocks of 32 with 6-bit scales and minimums, w = d*s*q - dm*m.
typedef struct __attribute__((packed)) { uint16_t d, dm; uint8_t scales[12], q[128]; } block_q4_k;
typedef struct __attribute__((packed)) {
  uint16_t d, dm;
  uint8_t scales[12], high[32], q[128];
} block_q5_k;
// Sixteen sub-blocks of 16 with 8-bit scales, w = d*s*(q - 32).
typedef struct __attribute__((packed)) {
  uint8_t low[128], high[64];
  int8_t scales[16];
  uint16_t d;
} block_q6_k;

// The 6-bit scale and minimum of sub-block i (0...7): the first four sit in the low six bits of
// bytes 0-3 and 4-7; the others in bytes 8-11 with their top two bits above the first four.
static inline void scale_and_minimum(
  const uint8_t packed[12], int i, uint8_t *scale, uint8_t *minimum
) {
  if (i < 4) {
    *scale = packed[i] & 63;
    *minimum = packed[i + 4] & 63;
  } else {
    *scale = (packed[i + 4] & 15) | (packed[i - 4] >> 6) << 4;
    *minimum = (packed[i + 4] >> 4) | (packed[i] >> 6) << 4;
  }
}

// Unsigned quants (0...15 or 0...31) of one 32-element group of a 4 or 5-bit block.
static inline void quants_of_4bit(const uint8_t q[16], const uint8_t *high, uint8_t out[32]) {
  uint32_t bits = 0;
  if (high) bits = (uint32_t)high[0] | (uint32_t)high[1] << 8 | (uint32_t)high[2] << 16 |
    (uint32_t)high[3] << 24;
  for (int i = 0; i < 16; i++) {
    out[i] = (q[i] & 15) | (bits >> i & 1) << 4;
    out[i + 16] = q[i] >> 4 | (bits >> (i + 16) & 1) << 4;
  }
}

// The same for sub-block `sub` of a K super-block: 32 bytes hold two sub-blocks, low and high
// nibbles; bit `sub` of high[i] is the fifth bit.
static inline void quants_of_k(
  const uint8_t q[128], const uint8_t *high, int sub, uint8_t out[32]
) {
  const uint8_t *bytes = q + sub / 2 * 32;
  for (int i = 0; i < 32; i++) {
    uint8_t low = sub & 1 ? bytes[i] >> 4 : bytes[i] & 15;
    out[i] = low | (high ? (high[i] >> sub & 1) << 4 : 0);
  }
}

// Unsigned quants (0...63) of 32-element group `group` (0...7) of a Q6_K super-block.
static inline void quants_of_q6_k(const block_q6_k *block, int group, uint8_t out[32]) {
  int half = group / 4, quarter = group % 4;
  const uint8_t *low = block->low + half * 64 + (quarter & 1) * 32;
  const uint8_t *high = block->high + half * 32;
  for (int i = 0; i < 32; i++) {
    uint8_t nibble = quarter < 2 ? low[i] & 15 : low[i] >> 4;
    out[i] = nibble | (high[i] >> (2 * quarter) & 3) << 4;
  }
}
