// The codecs' kernels for any processor, and the choice among the variants.
#include <stddef.h>

#include "half.h"
#include "spark_codec.h"

static inline void widen(const uint16_t *halves, size_t count, float *to) {
  for (size_t i = 0; i < count; i++) to[i] = float_from_half(halves[i]);
}
static inline void narrow(const float *from, size_t count, uint16_t *halves) {
  for (size_t i = 0; i < count; i++) halves[i] = half_from_float(from[i]);
}

#include "codec_loops.h"

static const spark_codec_kernels scalar_kernels = SPARK_CODEC_TABLE("scalar");
extern const spark_codec_kernels spark_avx2_codec_kernels, spark_avx512_codec_kernels;

const spark_codec_kernels *spark_codec_kernels_for(spark_isa isa) {
  // One rule for what a processor has.
  if (!spark_kernels_for(isa)) return NULL;
  switch (isa) {
#if defined(__x86_64__)
    case SPARK_ISA_AVX2: return &spark_avx2_codec_kernels;
    case SPARK_ISA_AVX512: case SPARK_ISA_AMX: return &spark_avx512_codec_kernels;
#endif
    default: return &scalar_kernels;
  }
}
