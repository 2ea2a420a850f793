// The codecs' kernels for AVX-512.
#if defined(__x86_64__)
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "half.h"
#include "spark_codec.h"

#pragma clang attribute push( \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2"))), \
  apply_to = function)

static inline void widen(const uint16_t *halves, size_t count, float *to) {
  for (size_t i = 0; i < count; i += 16)
    _mm512_storeu_ps(to + i, _mm512_cvtph_ps(_mm256_loadu_si256((const void *)(halves + i))));
}
static inline void narrow(const float *from, size_t count, uint16_t *halves) {
  for (size_t i = 0; i < count; i += 16)
    _mm256_storeu_si256(
      (void *)(halves + i),
      _mm512_cvtps_ph(
        _mm512_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

#include "codec_loops.h"

extern const spark_codec_kernels spark_avx512_codec_kernels;
const spark_codec_kernels spark_avx512_codec_kernels = SPARK_CODEC_TABLE("avx512");

#pragma clang attribute pop
#endif
