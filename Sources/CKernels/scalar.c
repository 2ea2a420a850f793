// The reference variant: plain loops that say what every other variant must compute, bit for bit.
#include <float.h>
#include <math.h>

#include "exponential.h"
#include "half.h"
#include "panel.h"
#include "tables.h"

#pragma clang fp contract(off)

// ---- matrix products --------------------------------------------------------------------------

static void store(
  float sum, size_t row, const float *bias, bool accumulate, float *out
) {
  if (bias) sum += bias[row];
  out[row] = accumulate ? out[row] + sum : sum;
}

// Four partial sums, for columns i mod 4, added as (0 + 1) + (2 + 3).
static void multiply_floats(
  spark_type type, const void *panel, const spark_activations *x, size_t rows, const float *bias,
  bool accumulate, float *out, size_t stride
) {
  for (size_t t = 0; t < x->m; t++) {
    for (size_t row = 0; row < rows; row++) {
      float sum[4] = {0, 0, 0, 0};
      for (size_t i = 0; i < x->k; i++) {
        size_t at = i * SPARK_PANEL_ROWS + row;
        float w = type == SPARK_F32 ? ((const float *)panel)[at]
          : type == SPARK_F16       ? float_from_half(((const uint16_t *)panel)[at])
                                    : float_from_bfloat(((const uint16_t *)panel)[at]);
        sum[i % 4] = fmaf(w, x->x[t * x->k + i], sum[i % 4]);
      }
      store((sum[0] + sum[1]) + (sum[2] + sum[3]), row, bias, accumulate, out + t * stride);
    }
  }
}

// Quant of column i (0...31) of a group in lane `row`: unsigned but for Q8_0.
static int quant(spark_type type, const uint8_t *group, size_t row, int i) {
  int quad = i / 4;
  size_t at = row * 4 + (size_t)(i % 4);
  if (type == SPARK_Q8_0) return (int8_t)group[quad * 64 + (int)at];
  const uint8_t *nibbles = group + record_of(type).extra;
  int byte = nibbles[(quad % 4) * 64 + (int)at];
  int low = quad < 4 ? byte & 15 : byte >> 4;
  switch (type) {
    case SPARK_Q5_0: case SPARK_Q5_1: case SPARK_Q5_K:
      return low | (group[quad * 8 + (int)at / 8] >> at % 8 & 1) << 4;
    case SPARK_Q6_K: return low | (group[quad % 2 * 64 + (int)at] >> quad / 2 * 2 & 3) << 4;
    default: return low;
  }
}

static int32_t dot(
  spark_type type, const uint8_t *group, size_t row, const int8_t *q, int begin, int end
) {
  int32_t sum = 0;
  for (int i = begin; i < end; i++) sum += quant(type, group, row, i) * q[i];
  return sum;
}

static void multiply_quants(
  spark_type type, const void *panel, const spark_activations *x, size_t rows, const float *bias,
  bool accumulate, float *out, size_t stride
) {
  panel_record r = record_of(type);
  size_t groups = x->k / SPARK_GROUP;
  for (size_t t = 0; t < x->m; t++) {
    for (size_t row = 0; row < rows; row++) {
      float sum = 0;
      for (size_t g = 0; g < groups; g++) {
        const uint8_t *record = (const uint8_t *)panel + g / r.groups * record_bytes(r);
        size_t slot = g % r.groups;
        const uint8_t *group = record + r.head + slot * r.group_bytes;
        const uint16_t *halves = (const uint16_t *)record;
        const int8_t *q = x->q + t * x->k + g * SPARK_GROUP;
        size_t at = t * groups + g;
        float scale = x->scale[at], scaled_sum = x->scaled_sum[at];
        int32_t product = dot(type, group, row, q, 0, 32);
        switch (type) {
          case SPARK_Q8_0: case SPARK_Q4_0: case SPARK_Q5_0: {
            int32_t offset = type == SPARK_Q4_0 ? 8 : type == SPARK_Q5_0 ? 16 : 0;
            product += offset * x->negative_sum[at];
            float d = float_from_half(halves[slot * 16 + row]);
            sum = fmaf((float)product, d * scale, sum);
            break;
          }
          case SPARK_Q4_1: case SPARK_Q5_1: {
            float d = float_from_half(halves[row]), m = float_from_half(halves[16 + row]);
            sum = fmaf((float)product, d * scale, sum);
            sum = fmaf(m, scaled_sum, sum);
            break;
          }
          case SPARK_Q4_K: case SPARK_Q5_K: {
            float d = float_from_half(halves[row]), dm = float_from_half(halves[16 + row]);
            float s = d * (float)record[64 + slot * 16 + row];
            float m = dm * (float)record[192 + slot * 16 + row];
            sum = fmaf((float)product, s * scale, sum);
            sum = fmaf(-m, scaled_sum, sum);
            break;
          }
          default: {  // Q6_K: one scale for each half of the group
            float d = float_from_half(halves[row]);
            const int8_t *scales = (const int8_t *)record + 64;
            for (int half = 0; half < 2; half++) {
              int32_t part = dot(type, group, row, q, half * 16, half * 16 + 16) +
                32 * x->negative_half[at * 2 + (size_t)half];
              float s = d * (float)scales[(slot * 2 + (size_t)half) * 16 + row];
              sum = fmaf((float)part, s * scale, sum);
            }
            break;
          }
        }
      }
      store(sum, row, bias, accumulate, out + t * stride);
    }
  }
}

#define MULTIPLY(NAME, TYPE, KIND)                                                             \
  static void multiply_##NAME(                                                                 \
    const void *panel, const spark_activations *x, size_t rows, const float *bias,             \
    bool accumulate, float *out, size_t stride                                                 \
  ) {                                                                                          \
    multiply_##KIND(TYPE, panel, x, rows, bias, accumulate, out, stride);                      \
  }
MULTIPLY(f32, SPARK_F32, floats)
MULTIPLY(f16, SPARK_F16, floats)
MULTIPLY(bf16, SPARK_BF16, floats)
MULTIPLY(q8_0, SPARK_Q8_0, quants)
MULTIPLY(q4_0, SPARK_Q4_0, quants)
MULTIPLY(q4_1, SPARK_Q4_1, quants)
MULTIPLY(q5_0, SPARK_Q5_0, quants)
MULTIPLY(q5_1, SPARK_Q5_1, quants)
MULTIPLY(q4_k, SPARK_Q4_K, quants)
MULTIPLY(q5_k, SPARK_Q5_K, quants)
MULTIPLY(q6_k, SPARK_Q6_K, quants)

// ---- rows -------------------------------------------------------------------------------------

static void quantize(const spark_activations *x, size_t begin, size_t end) {
  size_t groups = x->k / SPARK_GROUP;
  for (size_t at = begin * groups; at < end * groups; at++) {
    const float *from = x->x + at * SPARK_GROUP;
    int8_t *to = x->q + at * SPARK_GROUP;
    float largest = 0;
    for (int i = 0; i < SPARK_GROUP; i++) largest = fmaxf(largest, fabsf(from[i]));
    float scale = largest / 127.0f;
    float inverse = largest >= SMALLEST_GROUP ? 127.0f / largest : 0;
    int32_t half[2] = {0, 0};
    for (int i = 0; i < SPARK_GROUP; i++) {
      to[i] = (int8_t)fmaxf(-127.0f, fminf(127.0f, rintf(from[i] * inverse)));
      half[i / 16] += to[i];
    }
    x->scale[at] = scale;
    x->scaled_sum[at] = scale * (float)(half[0] + half[1]);
    x->negative_sum[at] = -(half[0] + half[1]);
    x->negative_half[at * 2] = -half[0];
    x->negative_half[at * 2 + 1] = -half[1];
  }
}

// Adds 16 lanes pairwise: lanes i and i + 8, then i + 4, i + 2, i + 1.
static float add_lanes(float lanes[16]) {
  for (int width = 8; width > 0; width /= 2)
    for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
  return lanes[0];
}

static void rms_norm(
  const float *x, const float *weight, float epsilon, size_t n, float *out
) {
  float lanes[16] = {0};
  for (size_t i = 0; i < n; i++) lanes[i % 16] = fmaf(x[i], x[i], lanes[i % 16]);
  float scale = 1.0f / sqrtf(add_lanes(lanes) / (float)n + epsilon);
  for (size_t i = 0; i < n; i++) out[i] = x[i] * scale * weight[i];
}

static void swiglu(const float *gate, const float *up, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) out[i] = gate[i] / (1.0f + exponential(-gate[i])) * up[i];
}

static void rotate(
  const spark_rope *rope, int32_t position, int32_t d, const float *x, float *out
) {
  int32_t pairs = rope->rotary / 2;
  const float *cosine = rope->cosine + (size_t)position * (size_t)pairs;
  const float *sine = rope->sine + (size_t)position * (size_t)pairs;
  for (int32_t i = 0; i < pairs; i++) {
    int32_t a = rope->interleaved ? 2 * i : i;
    int32_t b = rope->interleaved ? 2 * i + 1 : i + pairs;
    float xa = x[a], xb = x[b];
    out[a] = fmaf(xa, cosine[i], -(xb * sine[i]));
    out[b] = fmaf(xa, sine[i], xb * cosine[i]);
  }
  for (int32_t i = rope->rotary; i < d; i++) out[i] = x[i];
}

// ---- KV blocks --------------------------------------------------------------------------------

static void put(const spark_kv_layout *layout, uint8_t *base, size_t at, float value) {
  float limit = layout->type == SPARK_KV_F16 ? LARGEST_HALF : FLT_MAX;
  value = fmaxf(-limit, fminf(limit, value));
  if (layout->type == SPARK_KV_F16) {
    ((uint16_t *)base)[at] = half_from_float(value);
  } else {
    ((float *)base)[at] = value;
  }
}

static float get(const spark_kv_layout *layout, const uint8_t *base, size_t at) {
  return layout->type == SPARK_KV_F16 ? float_from_half(((const uint16_t *)base)[at])
                                      : ((const float *)base)[at];
}

static void store_kv(const spark_kv_write *job, size_t begin, size_t end) {
  const spark_kv_layout *l = job->layout;
  size_t d = (size_t)l->d, length = (size_t)l->block_length, heads = (size_t)l->kv_heads;
  for (size_t t = begin; t < end; t++) {
    uint8_t *base = job->block[t] + (size_t)job->layer * l->layer_bytes;
    size_t slot = (size_t)job->slot[t];
    for (size_t head = 0; head < heads; head++) {
      const float *value = job->value + (t * heads + head) * d;
      float key[SPARK_MAX_HEAD];
      rotate(job->rope, job->slot[t], l->d, job->key + (t * heads + head) * d, key);
      for (size_t i = 0; i < d; i++) {
        put(l, base, (head * d + i) * length + slot, key[i]);
        put(
          l, base,
          heads * d * length + (head * length + slot) * (size_t)l->value_stride + i, value[i]);
      }
    }
  }
}

static void attend(
  const spark_attention *job, const spark_run *run, int32_t kv_head, int32_t first, int32_t count
) {
  const spark_kv_layout *l = job->layout;
  size_t d = (size_t)l->d, length = (size_t)l->block_length, kv_heads = (size_t)l->kv_heads;
  size_t group = (size_t)job->heads / kv_heads, head = (size_t)kv_head;
  for (int32_t index = first; index < first + count; index++) {
    size_t row = (size_t)index / group;
    int32_t position = run->position + (int32_t)row;
    size_t at = (((size_t)run->row + row) * (size_t)job->heads + head * group +
                 (size_t)index % group) * d;
    float largest = -INFINITY, total = 0, sum[SPARK_MAX_HEAD] = {0};
    for (int32_t s = run->span; s < run->span + run->spans; s++) {
      const spark_span *span = &job->spans[s];
      int32_t seen = position - span->start + 1;
      if (seen > span->count) seen = span->count;
      if (seen <= span->first) continue;
      const uint8_t *base = span->block + (size_t)job->layer * span->stride;
      float query[SPARK_MAX_HEAD], scores[SPARK_MAX_BLOCK];
      rotate(job->rope, position - span->start, l->d, job->query + at, query);
      for (size_t i = 0; i < d; i++) query[i] *= job->scale;
      float highest = largest;
      for (int32_t j = 0; j < seen; j++) {
        float score = 0;
        for (size_t i = 0; i < d; i++)
          score = fmaf(query[i], get(l, base, (head * d + i) * length + (size_t)j), score);
        scores[j] = j < span->first ? -INFINITY : score;
        highest = fmaxf(highest, scores[j]);
      }
      float keep = exponential(largest - highest), lanes[16] = {0};
      for (int32_t j = 0; j < seen; j++) {
        scores[j] = exponential(scores[j] - highest);
        lanes[j % 16] += scores[j];
      }
      total = fmaf(total, keep, add_lanes(lanes));
      largest = highest;
      for (size_t i = 0; i < d; i++) sum[i] *= keep;
      for (int32_t j = 0; j < seen; j++) {
        size_t from = kv_heads * d * length +
          (head * length + (size_t)j) * (size_t)l->value_stride;
        for (size_t i = 0; i < d; i++) sum[i] = fmaf(scores[j], get(l, base, from + i), sum[i]);
      }
    }
    for (size_t i = 0; i < d; i++) job->out[at + i] = sum[i] / total;
  }
}

static void score_panel(
  const spark_index_layout *l, const uint16_t *panel, const float *query, size_t queries,
  float *scores
) {
  size_t d = (size_t)l->d, heads = (size_t)l->heads, kv_heads = (size_t)l->kv_heads;
  size_t group = heads / kv_heads, vector = kv_heads * d * SPARK_INDEX_LANES;
  for (size_t lane = 0; lane < SPARK_INDEX_LANES; lane++) {
    float total = 0;
    for (size_t kv_head = 0; kv_head < kv_heads; kv_head++)
      for (size_t row = 0; row < queries * group; row++) {
        const float *x = query + (row / group * heads + kv_head * group + row % group) * d;
        const uint16_t *channel = panel + kv_head * d * SPARK_INDEX_LANES + lane;
        float best = -INFINITY;
        for (size_t v = 0; v < (l->bounds ? 1 : (size_t)l->vectors); v++) {
          float sum = 0;
          for (size_t i = 0; i < d; i++) {
            size_t from = l->bounds ? (x[i] < 0 ? 0 : vector) : v * vector;
            sum = fmaf(x[i], float_from_half(channel[from + i * SPARK_INDEX_LANES]), sum);
          }
          best = fmaxf(best, sum);
        }
        total += best;
      }
    scores[lane] = total;
  }
}

const spark_kernels spark_scalar_kernels = SPARK_KERNEL_TABLE("scalar");
