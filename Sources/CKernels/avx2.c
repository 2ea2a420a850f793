// AVX2 with FMA and F16C (Haswell, Zen and later).
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "half.h"
#include "spark_kernels.h"
#include "vectors.h"

// 64-byte vectors are pairs of registers here; every function that passes one is inlined.
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang attribute push( \
  __attribute__((target("avx2,fma,f16c,bmi2"))), apply_to = function)

#define TOKEN_TILE 4
#define FLOAT_TILE 6
#define FLOAT_SUMS 1
#define Q8_OFFSET 0

typedef struct { __m256i low, high; } halves64;

INLINE halves64 split(const void *v) {
  const __m256i *p = v;
  return (halves64){_mm256_loadu_si256(p), _mm256_loadu_si256(p + 1)};
}
INLINE i32x16 join(__m256i low, __m256i high) {
  i32x16 v;
  memcpy(&v, &low, sizeof low);
  memcpy((uint8_t *)&v + sizeof low, &high, sizeof high);
  return v;
}
// Pairs of products fit 16 bits: 127 * 127 * 2 for unsigned weights below 128.
INLINE __m256i dot4_half(__m256i sum, __m256i w, __m256i q) {
  __m256i pairs = _mm256_maddubs_epi16(w, q);
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
INLINE __m256i dot16_half(__m256i sum, const __m256i w[4], const __m256i q[4], int bits) {
  // Sums of pairs stay in 16 bits as long as they fit: 2 * 31 * 128 four times, 2 * 63 * 128 twice.
  __m256i a = _mm256_add_epi16(_mm256_maddubs_epi16(w[0], q[0]), _mm256_maddubs_epi16(w[1], q[1]));
  __m256i b = _mm256_add_epi16(_mm256_maddubs_epi16(w[2], q[2]), _mm256_maddubs_epi16(w[3], q[3]));
  __m256i ones = _mm256_set1_epi16(1);
  if (bits <= 5) return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(a, b), ones));
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a, ones));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(b, ones));
}
INLINE i32x16 dot16(i32x16 sum, const u8x64 w[4], const int8_t *q, int bits) {
  __m256i low[4], high[4], a[4];
  for (int quad = 0; quad < 4; quad++) {
    int32_t columns;
    memcpy(&columns, q + quad * 4, sizeof columns);
    halves64 b = split(&w[quad]);
    low[quad] = b.low, high[quad] = b.high, a[quad] = _mm256_set1_epi32(columns);
  }
  halves64 s = split(&sum);
  return join(dot16_half(s.low, low, a, bits), dot16_half(s.high, high, a, bits));
}
// |w| * (q with the sign of w): 128 * 127 * 2 still fits, where (w + 128) * q would not.
INLINE i32x16 dot4_q8(i32x16 sum, u8x64 w, const int8_t *q) {
  int32_t quad;
  memcpy(&quad, q, sizeof quad);
  __m256i a = _mm256_set1_epi32(quad);
  halves64 s = split(&sum), b = split(&w);
  return join(
    dot4_half(s.low, _mm256_abs_epi8(b.low), _mm256_sign_epi8(a, b.low)),
    dot4_half(s.high, _mm256_abs_epi8(b.high), _mm256_sign_epi8(a, b.high)));
}
// Bit i of the mask to byte i: spread each byte over eight, then test one bit in each.
INLINE __m256i spread_bits(uint32_t mask) {
  __m256i bytes = _mm256_shuffle_epi8(
    _mm256_set1_epi32((int32_t)mask),
    _mm256_setr_epi64x(
      0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303));
  __m256i bit = _mm256_set1_epi64x((int64_t)0x8040201008040201);
  __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
  return _mm256_and_si256(set, _mm256_set1_epi8(16));
}
INLINE u8x64 add_fifth_bit(u8x64 w, const uint8_t *mask) {
  uint32_t bits[2];
  memcpy(bits, mask, sizeof bits);
  return w | (u8x64)join(spread_bits(bits[0]), spread_bits(bits[1]));
}
INLINE f32x16 load_halves(const void *p) {
  const __m128i *bytes = p;
  return (f32x16)join(
    (__m256i)_mm256_cvtph_ps(_mm_loadu_si128(bytes)),
    (__m256i)_mm256_cvtph_ps(_mm_loadu_si128(bytes + 1)));
}
INLINE void store_halves(f32x16 v, void *p) {
  halves64 h = split(&v);
  __m128i *bytes = p;
  _mm_storeu_si128(bytes, _mm256_cvtps_ph((__m256)h.low, _MM_FROUND_TO_NEAREST_INT));
  _mm_storeu_si128(bytes + 1, _mm256_cvtps_ph((__m256)h.high, _MM_FROUND_TO_NEAREST_INT));
}

#include "simd.h"

#include "score.h"

const spark_kernels spark_avx2_kernels = SPARK_KERNEL_TABLE("avx2");

#pragma clang attribute pop
#endif
