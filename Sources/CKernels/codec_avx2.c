// The codecs' kernels for AVX2 with F16C.
#if defined(__x86_64__)
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "half.h"
#include "spark_codec.h"

#pragma clang attribute push( \
  __attribute__((target("avx2,fma,f16c,bmi2"))), apply_to = function)

static inline void widen(const uint16_t *halves, size_t count, float *to) {
  for (size_t i = 0; i < count; i += 8)
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const void *)(halves + i))));
}
static inline void narrow(const float *from, size_t count, uint16_t *halves) {
  for (size_t i = 0; i < count; i += 8)
    _mm_storeu_si128(
      (void *)(halves + i),
      _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
}

#include "codec_loops.h"

extern const spark_codec_kernels spark_avx2_codec_kernels;
const spark_codec_kernels spark_avx2_codec_kernels = SPARK_CODEC_TABLE("avx2");

#pragma clang attribute pop
#endif
