// Keys and values in blocks, and attention over them: the part of simd.h that stores and reads them.
// Included there, once for each instruction set, behind its vectors and rows.

INLINE size_t kv_bytes(spark_kv_type type) { return type == SPARK_KV_F16 ? 2 : 4; }

INLINE f32x16 load_kv(spark_kv_type type, const uint8_t *base, size_t at) {
  return type == SPARK_KV_F16 ? load_halves(base + at * 2)
                              : load((const float *)(const void *)base + at);
}

static void store_kv(const spark_kv_write *job, size_t begin, size_t end) {
  const spark_kv_layout *l = job->layout;
  size_t d = (size_t)l->d, length = (size_t)l->block_length, heads = (size_t)l->kv_heads;
  size_t width = (d + 15) / 16 * 16;
  float key[SPARK_MAX_HEAD], value[SPARK_MAX_HEAD];
  uint16_t halves[SPARK_MAX_HEAD];
  for (size_t t = begin; t < end; t++) {
    uint8_t *base = job->block[t] + (size_t)job->layer * l->layer_bytes;
    size_t slot = (size_t)job->slot[t];
    for (size_t head = 0; head < heads; head++) {
      rotate(job->rope, job->slot[t], l->d, job->key + (t * heads + head) * d, key);
      memcpy(value, job->value + (t * heads + head) * d, d * sizeof *value);
      for (size_t i = d; i < width; i++) key[i] = value[i] = 0;
      float limit = l->type == SPARK_KV_F16 ? LARGEST_HALF : FLT_MAX;
      for (size_t i = 0; i < width; i += 16) {
        put16(bounded(load(key + i), limit), key + i);
        put16(bounded(load(value + i), limit), value + i);
      }
      size_t keys = head * d * length + slot;
      size_t values = heads * d * length + (head * length + slot) * (size_t)l->value_stride;
      if (l->type == SPARK_KV_F32) {
        for (size_t i = 0; i < d; i++) ((float *)(void *)base)[keys + i * length] = key[i];
        memcpy(base + values * 4, value, d * 4);
        continue;
      }
      for (size_t i = 0; i < width; i += 16) store_halves(load(key + i), halves + i);
      for (size_t i = 0; i < d; i++) ((uint16_t *)(void *)base)[keys + i * length] = halves[i];
      for (size_t i = 0; i < width; i += 16) store_halves(load(value + i), halves + i);
      memcpy(base + values * 2, halves, d * 2);
    }
  }
}

// A head's keys and values that are worked on next. Those of one block are a few KB each, and the hardware's
// prefetcher, which stops at page ends, has hardly begun when they are over. So while a block's bytes are read, as
// many of the next one's are asked for: of the halves of its keys and values in turns, since the hardware reads
// ahead in each of several pages.
typedef struct {
  const uint8_t *keys, *values;
  size_t half;  // bytes
} kv_ahead;

INLINE void prefetch_kv(const kv_ahead *ahead, size_t at) {
  __builtin_prefetch(ahead->keys + at);
  __builtin_prefetch(ahead->keys + ahead->half + at);
  __builtin_prefetch(ahead->values + at);
  __builtin_prefetch(ahead->values + ahead->half + at);
}

// What is due when bytes [at, at + count) of this block's keys are read, or of its values: one line of each half
// for every four lines.
INLINE void prefetch_beside(const kv_ahead *ahead, size_t begin, size_t at, size_t count) {
  size_t line = (at + 255) / 256;
  if (line * 256 < at + count) prefetch_kv(ahead, begin + line * 64);
}

// Scores of `queries` (1...4) against 16 * `width` tokens from column `column` of a block's keys.
INLINE void score_tile(
  spark_kv_type type, int queries, int width, const uint8_t *base, size_t keys, size_t length,
  size_t column, size_t d, const kv_ahead *ahead, float (*query)[SPARK_MAX_HEAD],
  float (*scores)[SPARK_MAX_BLOCK]
) {
  size_t bytes = kv_bytes(type);
  f32x16 sum[4][4];
  UNROLL for (int q = 0; q < queries; q++)
    UNROLL for (int v = 0; v < width; v++) sum[q][v] = (f32x16){0};
  for (size_t i = 0; i < d; i++) {
    prefetch_beside(ahead, 0, (i * length + column) * bytes, (size_t)width * 16 * bytes);
    f32x16 key[4];
    UNROLL for (int v = 0; v < width; v++)
      key[v] = load_kv(type, base, keys + i * length + column + (size_t)v * 16);
    UNROLL for (int q = 0; q < queries; q++)
      UNROLL for (int v = 0; v < width; v++)
        sum[q][v] = fma16(splat(query[q][i]), key[v], sum[q][v]);
  }
  UNROLL for (int q = 0; q < queries; q++)
    UNROLL for (int v = 0; v < width; v++)
      put16(sum[q][v], &scores[q][column + (size_t)v * 16]);
}

// Adds the values of tokens 0..<seen, weighted, to `queries` sums, for 16 * `width` dimensions.
INLINE void value_tile(
  spark_kv_type type, int queries, int width, const uint8_t *base, size_t values, size_t stride,
  size_t dimension, int32_t seen, const kv_ahead *ahead, float (*weights)[SPARK_MAX_BLOCK],
  const float *keep, float (*sums)[SPARK_MAX_HEAD]
) {
  size_t bytes = kv_bytes(type);
  f32x16 sum[4][4];
  UNROLL for (int q = 0; q < queries; q++)
    UNROLL for (int v = 0; v < width; v++)
      sum[q][v] = load(&sums[q][dimension + (size_t)v * 16]) * splat(keep[q]);
  for (int32_t j = 0; j < seen; j++) {
    prefetch_beside(
      ahead, ahead->half / 2, ((size_t)j * stride + dimension) * bytes, (size_t)width * 16 * bytes);
    f32x16 value[4];
    UNROLL for (int v = 0; v < width; v++)
      value[v] = load_kv(type, base, values + (size_t)j * stride + dimension + (size_t)v * 16);
    UNROLL for (int q = 0; q < queries; q++)
      UNROLL for (int v = 0; v < width; v++)
        sum[q][v] = fma16(splat(weights[q][j]), value[v], sum[q][v]);
  }
  UNROLL for (int q = 0; q < queries; q++)
    UNROLL for (int v = 0; v < width; v++)
      put16(sum[q][v], &sums[q][dimension + (size_t)v * 16]);
}

INLINE void score_and_sum(
  spark_kv_type type, int queries, const spark_kv_layout *l, const uint8_t *base, size_t head,
  const uint8_t *next, int32_t unseen, const int32_t *seen, int32_t most,
  float (*query)[SPARK_MAX_HEAD], float (*scores)[SPARK_MAX_BLOCK], float *largest, float *total,
  float (*sums)[SPARK_MAX_HEAD]
) {
  static const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  size_t d = (size_t)l->d, length = (size_t)l->block_length;
  size_t keys = head * d * length;
  size_t values = (size_t)l->kv_heads * d * length + head * length * (size_t)l->value_stride;
  size_t columns = ((size_t)most + 15) / 16 * 16, column = 0, dimension = 0;
  size_t bytes = kv_bytes(type);
  kv_ahead ahead = {next + keys * bytes, next + values * bytes, d * length * bytes / 2};
  float keep[4];

  for (; column + 64 <= columns; column += 64)
    score_tile(type, queries, 4, base, keys, length, column, d, &ahead, query, scores);
  for (; column < columns; column += 16)
    score_tile(type, queries, 1, base, keys, length, column, d, &ahead, query, scores);

  UNROLL for (int q = 0; q < queries; q++) {
    f32x16 highest16 = splat(largest[q]), lanes = {0};
    for (size_t j = 0; j < columns; j += 16) {
      i32x16 column16 = lane + (int32_t)j;
      i32x16 visible = (column16 < splat_int(seen[q])) & (column16 >= splat_int(unseen));
      f32x16 score = choose(visible, load(&scores[q][j]), splat(-__builtin_inff()));
      put16(score, &scores[q][j]);
      highest16 = __builtin_elementwise_max(highest16, score);
    }
    float highest = largest_lane(highest16);
    for (size_t j = 0; j < columns; j += 16) {
      f32x16 weight = exponential16(load(&scores[q][j]) - splat(highest));
      put16(weight, &scores[q][j]);
      lanes += weight;
    }
    keep[q] = exponential(largest[q] - highest);
    total[q] = __builtin_fmaf(total[q], keep[q], add_lanes(lanes));
    largest[q] = highest;
  }

  size_t stride = (size_t)l->value_stride;
  for (; dimension + 64 <= stride; dimension += 64)
    value_tile(
      type, queries, 4, base, values, stride, dimension, most, &ahead, scores, keep, sums);
  for (; dimension < stride; dimension += 16)
    value_tile(
      type, queries, 1, base, values, stride, dimension, most, &ahead, scores, keep, sums);
}

static void attend(
  const spark_attention *job, const spark_run *run, int32_t kv_head, int32_t first, int32_t count
) {
  const spark_kv_layout *l = job->layout;
  size_t d = (size_t)l->d, group = (size_t)(job->heads / l->kv_heads), head = (size_t)kv_head;
  float query[SPARK_QUERY_TILE][SPARK_MAX_HEAD], sums[SPARK_QUERY_TILE][SPARK_MAX_HEAD];
  float scores[SPARK_QUERY_TILE][SPARK_MAX_BLOCK];
  float largest[SPARK_QUERY_TILE], total[SPARK_QUERY_TILE];
  int32_t position[SPARK_QUERY_TILE], seen[SPARK_QUERY_TILE];
  size_t at[SPARK_QUERY_TILE];
  for (int32_t q = 0; q < count; q++) {
    size_t index = (size_t)(first + q), row = index / group;
    position[q] = run->position + (int32_t)row;
    at[q] = (((size_t)run->row + row) * (size_t)job->heads + head * group + index % group) * d;
    largest[q] = -__builtin_inff();
    total[q] = 0;
    for (size_t i = 0; i < (size_t)l->value_stride; i++) sums[q][i] = 0;
  }

  for (int32_t s = run->span; s < run->span + run->spans; s++) {
    const spark_span *span = &job->spans[s];
    if (span->count <= 0) continue;
    const uint8_t *base = span->block + (size_t)job->layer * span->stride;
    bool has_next = s + 1 < run->span + run->spans && span[1].count > 0;
    const spark_span *after = has_next ? span + 1 : span;
    const uint8_t *next = after->block + (size_t)job->layer * after->stride;
    // Positions grow with the query's index, so the queries that see nothing come first.
    int32_t begin = 0;
    while (begin < count && position[begin] < span->start + span->first) begin++;
    for (int32_t q = begin; q < count; q++) {
      int32_t visible = position[q] - span->start + 1;
      seen[q] = visible < span->count ? visible : span->count;
      rotate(job->rope, position[q] - span->start, l->d, job->query + at[q], query[q]);
      for (size_t i = 0; i < d; i++) query[q][i] *= job->scale;
    }
    int32_t q = begin;
#define SCORE(QUERIES)                                                                         \
  do {                                                                                         \
    if (l->type == SPARK_KV_F16)                                                               \
      score_and_sum(                                                                           \
        SPARK_KV_F16, QUERIES, l, base, head, next, span->first, seen + q,                     \
        seen[q + QUERIES - 1], query + q, scores + q, largest + q, total + q, sums + q);       \
    else                                                                                       \
      score_and_sum(                                                                           \
        SPARK_KV_F32, QUERIES, l, base, head, next, span->first, seen + q,                     \
        seen[q + QUERIES - 1], query + q, scores + q, largest + q, total + q, sums + q);       \
    q += QUERIES;                                                                              \
  } while (0)
    while (q + 4 <= count) SCORE(4);
    if (q + 2 <= count) SCORE(2);
    if (q < count) SCORE(1);
#undef SCORE
  }

  for (int32_t q = 0; q < count; q++)
    for (size_t i = 0; i < d; i += 16)
      put_part(load(&sums[q][i]) / splat(total[q]), job->out + at[q] + i, d - i);
}
