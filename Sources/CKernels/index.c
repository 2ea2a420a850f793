// What the index of blocks is made from: a block's keys as they were before RoPE turned them.
#include "half.h"
#include "spark_kernels.h"
#include "tables.h"

float spark_half_value(uint16_t half) { return float_from_half(half); }

void spark_put_halves(const float *x, size_t count, uint16_t *out, size_t stride) {
  for (size_t i = 0; i < count; i++) {
    float value = x[i] > LARGEST_HALF ? LARGEST_HALF : x[i] < -LARGEST_HALF ? -LARGEST_HALF : x[i];
    out[i * stride] = half_from_float(value);
  }
}

void spark_plain_keys(
  const spark_kv_layout *layout, const spark_rope *rope, float magnitude, const uint8_t *base,
  int32_t kv_head, int32_t tokens, float *out
) {
  size_t d = (size_t)layout->d, length = (size_t)layout->block_length;
  size_t from = (size_t)kv_head * d * length, pairs = (size_t)rope->rotary / 2;
  for (size_t j = 0; j < (size_t)tokens; j++) {
    float *key = out + j * d;
    for (size_t i = 0; i < d; i++) {
      size_t at = from + i * length + j;
      key[i] = layout->type == SPARK_KV_F16 ? float_from_half(((const uint16_t *)(const void *)base)[at])
                                            : ((const float *)(const void *)base)[at];
    }
    const float *cosine = rope->cosine + j * pairs, *sine = rope->sine + j * pairs;
    for (size_t i = 0; i < pairs; i++) {
      size_t a = rope->interleaved ? 2 * i : i, b = rope->interleaved ? 2 * i + 1 : i + pairs;
      float xa = key[a] / (magnitude * magnitude), xb = key[b] / (magnitude * magnitude);
      key[a] = xa * cosine[i] + xb * sine[i];
      key[b] = xb * cosine[i] - xa * sine[i];
    }
  }
}
