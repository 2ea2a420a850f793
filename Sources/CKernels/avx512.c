// AVX-512 with VNNI (Ice Lake, Sapphire Rapids, Zen 4 and later), and with AMX on top.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "half.h"
#include "spark_kernels.h"
#include "vectors.h"

#pragma clang attribute push( \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))), \
  apply_to = function)

#define TOKEN_TILE 8
#define FLOAT_TILE 4
#define FLOAT_SUMS 4
#define Q8_OFFSET 128

INLINE i32x16 dot4(i32x16 sum, u8x64 w, const int8_t *q) {
  int32_t quad;
  memcpy(&quad, q, sizeof quad);
  return (i32x16)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)w, _mm512_set1_epi32(quad));
}
INLINE i32x16 dot16(i32x16 sum, const u8x64 w[4], const int8_t *q, int bits) {
  for (int quad = 0; quad < 4; quad++) sum = dot4(sum, w[quad], q + quad * 4);
  return sum;
}
INLINE i32x16 dot4_q8(i32x16 sum, u8x64 w, const int8_t *q) { return dot4(sum, w ^ 0x80, q); }
INLINE u8x64 add_fifth_bit(u8x64 w, const uint8_t *mask) {
  __mmask64 bits;
  memcpy(&bits, mask, sizeof bits);
  return (u8x64)_mm512_mask_add_epi8((__m512i)w, bits, (__m512i)w, _mm512_set1_epi8(16));
}
INLINE f32x16 load_halves(const void *p) {
  return (f32x16)_mm512_cvtph_ps(_mm256_loadu_si256(p));
}
INLINE void store_halves(f32x16 v, void *p) {
  _mm256_storeu_si256(
    p, _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

#include "simd.h"

#include "score.h"

const spark_kernels spark_avx512_kernels = SPARK_KERNEL_TABLE("avx512");

#pragma clang attribute pop

#pragma clang attribute push( \
  __attribute__(( \
    target("amx-tile,amx-int8,amx-bf16,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi," \
           "avx512bf16,avx2,fma,f16c"))), \
  apply_to = function)
#include "amx.h"
#include "tiles.h"
#include "tile_attention.h"
#pragma clang attribute pop

const spark_kernels spark_amx_kernels = SPARK_KERNEL_TABLE_WITH(
  "amx", multiply_amx, .multiply_tiles = multiply_tiles, .fill_tiles = fill_tiles,
  .attend_tiles = attend_tiles);
#endif
