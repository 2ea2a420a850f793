#include "gguf_blocks.h"
#include "half.h"
#include "spark_kernels.h"

bool spark_type_is_quantized(spark_type type) {
  return type != SPARK_F32 && type != SPARK_F16 && type != SPARK_BF16;
}

size_t spark_row_bytes(spark_type type, size_t k) {
  switch (type) {
    case SPARK_F32: return k * 4;
    case SPARK_F16: case SPARK_BF16: return k * 2;
    case SPARK_Q4_0: return k / 32 * sizeof(block_q4_0);
    case SPARK_Q4_1: return k / 32 * sizeof(block_q4_1);
    case SPARK_Q5_0: return k / 32 * sizeof(block_q5_0);
    case SPARK_Q5_1: return k / 32 * sizeof(block_q5_1);
    case SPARK_Q8_0: return k / 32 * sizeof(block_q8_0);
    case SPARK_Q4_K: return k / 256 * sizeof(block_q4_k);
    case SPARK_Q5_K: return k / 256 * sizeof(block_q5_k);
    case SPARK_Q6_K: return k / 256 * sizeof(block_q6_k);
    case SPARK_TYPE_END: break;
  }
  return 0;
}

static void dequantize_4bit(
  float d, float offset, const uint8_t q[16], const uint8_t *high, float *out
) {
  uint8_t quants[32];
  quants_of_4bit(q, high, quants);
  for (int i = 0; i < 32; i++) out[i] = d * (float)quants[i] + offset;
}

// w = d * s * q - dm * m for the eight sub-blocks of a Q4_K or Q5_K super-block.
static void dequantize_k(
  float d, float dm, const uint8_t scales[12], const uint8_t q[128], const uint8_t *high,
  float *out
) {
  for (int sub = 0; sub < 8; sub++) {
    uint8_t scale, minimum, quants[32];
    scale_and_minimum(scales, sub, &scale, &minimum);
    quants_of_k(q, high, sub, quants);
    float s = d * (float)scale, offset = dm * (float)minimum;
    for (int i = 0; i < 32; i++) out[sub * 32 + i] = s * (float)quants[i] - offset;
  }
}

void spark_dequantize_row(spark_type type, const void *row, size_t k, float *out) {
  switch (type) {
    case SPARK_F32: memcpy(out, row, k * 4); break;
    case SPARK_F16: case SPARK_BF16: {
      const uint8_t *bytes = row;
      for (size_t i = 0; i < k; i++) {
        uint16_t value;
        memcpy(&value, bytes + 2 * i, 2);
        out[i] = type == SPARK_F16 ? float_from_half(value) : float_from_bfloat(value);
      }
      break;
    }
    case SPARK_Q4_0: {
      const block_q4_0 *b = row;
      for (size_t i = 0; i < k / 32; i++) {
        float d = float_from_half(b[i].d);
        dequantize_4bit(d, -8 * d, b[i].q, 0, out + i * 32);
      }
      break;
    }
    case SPARK_Q4_1: {
      const block_q4_1 *b = row;
      for (size_t i = 0; i < k / 32; i++)
        dequantize_4bit(
          float_from_half(b[i].d), float_from_half(b[i].m), b[i].q, 0, out + i * 32);
      break;
    }
    case SPARK_Q5_0: {
      const block_q5_0 *b = row;
      for (size_t i = 0; i < k / 32; i++) {
        float d = float_from_half(b[i].d);
        dequantize_4bit(d, -16 * d, b[i].q, b[i].high, out + i * 32);
      }
      break;
    }
    case SPARK_Q5_1: {
      const block_q5_1 *b = row;
      for (size_t i = 0; i < k / 32; i++)
        dequantize_4bit(
          float_from_half(b[i].d), float_from_half(b[i].m), b[i].q, b[i].high, out + i * 32);
      break;
    }
    case SPARK_Q8_0: {
      const block_q8_0 *b = row;
      for (size_t i = 0; i < k / 32; i++) {
        float d = float_from_half(b[i].d);
        for (int j = 0; j < 32; j++) out[i * 32 + j] = d * (float)b[i].q[j];
      }
      break;
    }
    case SPARK_Q4_K: {
      const block_q4_k *b = row;
      for (size_t i = 0; i < k / 256; i++)
        dequantize_k(
          float_from_half(b[i].d), float_from_half(b[i].dm), b[i].scales, b[i].q, 0,
          out + i * 256);
      break;
    }
    case SPARK_Q5_K: {
      const block_q5_k *b = row;
      for (size_t i = 0; i < k / 256; i++)
        dequantize_k(
          float_from_half(b[i].d), float_from_half(b[i].dm), b[i].scales, b[i].q, b[i].high,
          out + i * 256);
      break;
    }
    case SPARK_Q6_K: {
      const block_q6_k *b = row;
      for (size_t i = 0; i < k / 256; i++) {
        float d = float_from_half(b[i].d);
        for (int group = 0; group < 8; group++) {
          uint8_t quants[32];
          quants_of_q6_k(&b[i], group, quants);
          for (int j = 0; j < 32; j++)
            out[i * 256 + group * 32 + j] =
              d * (float)b[i].scales[group * 2 + j / 16] * (float)(quants[j] - 32);
        }
      }
      break;
    }
    case SPARK_TYPE_END: break;
  }
}
