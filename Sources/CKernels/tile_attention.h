// Attention of a prompt's queries on the matrix unit (AMX bf16). Included after simd.h and tiles.h.
//
// As in `attend`, one online softmax runs across all spans in their order. Keys and values of a block become
// tiles once for all queries of a call, and keys are turned to where the block stands meanwhile: cheaper there
// than turning every query for every block, as all tokens of a block turn by one angle. Scores and weights are
// floats, and weights are rounded to bf16 where they meet values. What a query computes does not depend on the
// others.
//
// Heads are multiples of 32 and no longer than TILE_HEAD; blocks are multiples of 16.

enum { TILE_HEAD = 256 };

// Two rows of 16 floats as pairs, behind `pairs` pairs of rows of `width` vectors:
// [pairs / 16][width][16 pairs][16][2].
INLINE void put_rows(f32x16 even, f32x16 odd, size_t pair, size_t width, size_t v, uint16_t *out) {
  __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)odd, (__m512)even);
  _mm512_store_si512(
    out + ((pair / 16 * width + v) * 16 + pair % 16) * 32,
    _mm512_permutexvar_epi16(_mm512_loadu_si512(pairs_of_columns), both));
}

// Values of `pairs` pairs of tokens, [2 * pairs][stride] from `first`, of which 16 * width are taken.
INLINE void fill_values(
  spark_kv_type type, const uint8_t *base, size_t first, size_t stride, size_t pairs, size_t width,
  uint16_t *out
) {
  for (size_t pair = 0; pair < pairs; pair++)
    for (size_t v = 0; v < width; v++) {
      size_t at = first + pair * 2 * stride + v * 16;
      put_rows(
        load_kv(type, base, at), load_kv(type, base, at + stride), pair, width, v, out);
    }
}

// How a channel of keys becomes that of keys which stand `start` tokens on:
// channel * own + other channel * cross.
typedef struct {
  size_t other;
  float own, cross;
} turned_channel;

INLINE turned_channel turn(const spark_rope *rope, int32_t start, size_t channel) {
  size_t pairs = (size_t)rope->rotary / 2;
  if (channel >= 2 * pairs) return (turned_channel){channel, 1, 0};
  bool is_second = rope->interleaved ? channel % 2 : channel >= pairs;
  size_t pair = rope->interleaved ? channel / 2 : is_second ? channel - pairs : channel;
  size_t other = rope->interleaved ? channel ^ 1 : is_second ? channel - pairs : channel + pairs;
  size_t at = (size_t)(start < 0 ? -start : start) * pairs + pair;
  // The table's numbers may have a common factor, which the keys have been given already: cos 0.
  float unit = 1 / rope->cosine[0];
  float cosine = rope->cosine[at] * unit, sine = rope->sine[at] * (start < 0 ? -unit : unit);
  return (turned_channel){other, cosine, is_second ? sine : -sine};
}

// Keys of 16 * width tokens, [d][length] from `first`, turned by `start` tokens.
INLINE void fill_keys(
  const spark_attention *job, const uint8_t *base, size_t first, int32_t start, size_t width,
  uint16_t *out
) {
  const spark_kv_layout *l = job->layout;
  size_t length = (size_t)l->block_length;
  for (size_t channel = 0; channel < (size_t)l->d; channel += 2) {
    turned_channel even = turn(job->rope, start, channel), odd = turn(job->rope, start, channel + 1);
    for (size_t v = 0; v < width; v++) {
      size_t at = first + v * 16;
      f32x16 rows[4] = {
        load_kv(l->type, base, at + channel * length), load_kv(l->type, base, at + even.other * length),
        load_kv(l->type, base, at + (channel + 1) * length),
        load_kv(l->type, base, at + odd.other * length)};
      put_rows(
        fma16(rows[0], splat(even.own), rows[1] * splat(even.cross)),
        fma16(rows[2], splat(odd.own), rows[3] * splat(odd.cross)), channel / 2, width, v, out);
    }
  }
}

// What is kept of 16 queries from span to span.
typedef struct {
  _Alignas(64) float sums[16 * TILE_HEAD];  // [16][d]
  float largest[16], total[16];
  float keep[16];  // what the sums so far are worth beside the span in hand
  int32_t position[16];
  size_t at[16];
  int32_t count;
} query_tile;

// Weights of 16 queries for the tokens of a span, from their scores, [16][columns].
INLINE void weigh(
  query_tile *tile, int32_t begin, const spark_span *span, size_t columns, float *scores,
  uint16_t *weights
) {
  static const i32x16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  size_t groups = (columns + 31) / 32;
  for (int32_t q = 0; q < 16; q++) {
    uint16_t *out = weights + q * 32;
    if (q < begin || q >= tile->count) {
      for (size_t g = 0; g < groups; g++) memset(out + g * 512, 0, 64);
      continue;
    }
    int32_t visible = tile->position[q] - span->start + 1;
    i32x16 seen = splat_int(visible < span->count ? visible : span->count);
    float *score = scores + (size_t)q * columns;
    f32x16 highest16 = splat(tile->largest[q]), lanes = {0};
    for (size_t j = 0; j < columns; j += 16) {
      i32x16 column = lane + (int32_t)j;
      i32x16 shown = (column < seen) & (column >= splat_int(span->first));
      f32x16 s = choose(shown, load(score + j), splat(-__builtin_inff()));
      put16(s, score + j);
      highest16 = __builtin_elementwise_max(highest16, s);
    }
    float highest = largest_lane(highest16);
    for (size_t j = 0; j < columns; j += 32) {
      f32x16 low = exponential16(load(score + j) - splat(highest)), high = {0};
      lanes += low;
      if (j + 16 < columns) {
        high = exponential16(load(score + j + 16) - splat(highest));
        lanes += high;
      }
      put_pairs(low, high, out + j * 16);
    }
    tile->keep[q] = exponential(tile->largest[q] - highest);
    tile->total[q] = __builtin_fmaf(tile->total[q], tile->keep[q], add_lanes(lanes));
    tile->largest[q] = highest;
  }
}

// out, [16][16 * width], (+)= x times `width` (1...4) tiles of columns that lie side by side in each group.
INLINE void multiply_strip(
  int width, const uint16_t *x, const uint16_t *columns, size_t next_group, size_t groups, bool adds,
  float *out, size_t stride
) {
  if (adds) {
    _tile_loadd(0, out, stride);
    if (width > 1) _tile_loadd(1, out + 16, stride);
    if (width > 2) _tile_loadd(2, out + 32, stride);
    if (width > 3) _tile_loadd(3, out + 48, stride);
  } else {
    _tile_zero(0), _tile_zero(1), _tile_zero(2), _tile_zero(3);
  }
  for (size_t g = 0; g < groups; g++) {
    const uint16_t *from = columns + g * next_group;
    _tile_loadd(4, x + g * 512, 64);
    _tile_loadd(5, from, 64);
    _tile_dpbf16ps(0, 4, 5);
    if (width > 1) _tile_loadd(6, from + 512, 64), _tile_dpbf16ps(1, 4, 6);
    if (width > 2) _tile_loadd(7, from + 1024, 64), _tile_dpbf16ps(2, 4, 7);
    if (width > 3) _tile_loadd(5, from + 1536, 64), _tile_dpbf16ps(3, 4, 5);
  }
  _tile_stored(0, out, stride);
  if (width > 1) _tile_stored(1, out + 16, stride);
  if (width > 2) _tile_stored(2, out + 32, stride);
  if (width > 3) _tile_stored(3, out + 48, stride);
}

// The same for `width` of any number.
INLINE void multiply_strips(
  size_t width, const uint16_t *x, const uint16_t *columns, size_t groups, bool adds, float *out,
  size_t stride
) {
  size_t v = 0, next = width * 512;
  for (; v + 4 <= width; v += 4)
    multiply_strip(4, x, columns + v * 512, next, groups, adds, out + v * 16, stride);
  if (v + 2 <= width) {
    multiply_strip(2, x, columns + v * 512, next, groups, adds, out + v * 16, stride);
    v += 2;
  }
  if (v < width) multiply_strip(1, x, columns + v * 512, next, groups, adds, out + v * 16, stride);
}

static void attend_tiles(
  const spark_attention *job, const spark_run *run, int32_t kv_head, int32_t first, int32_t count
) {
  const spark_kv_layout *l = job->layout;
  size_t d = (size_t)l->d, group = (size_t)(job->heads / l->kv_heads), head = (size_t)kv_head;
  size_t length = (size_t)l->block_length, stride = (size_t)l->value_stride;
  query_tile tiles[SPARK_PROMPT_TILE / 16];
  _Alignas(64) uint16_t keys[TILE_HEAD * SPARK_MAX_BLOCK], values[TILE_HEAD * SPARK_MAX_BLOCK];
  _Alignas(64) uint16_t queries[SPARK_PROMPT_TILE * TILE_HEAD];
  _Alignas(64) uint16_t weights[SPARK_PROMPT_TILE / 16][16 * SPARK_MAX_BLOCK];
  _Alignas(64) float scores[SPARK_PROMPT_TILE / 16][16 * SPARK_MAX_BLOCK], rotated[TILE_HEAD];
  int32_t begin[SPARK_PROMPT_TILE / 16];
  for (int32_t q = 0; q < (count + 15) / 16 * 16; q++) {
    query_tile *tile = &tiles[q / 16];
    uint16_t *to = queries + (size_t)(q / 16) * 16 * d + q % 16 * 32;
    if (q >= count) {
      for (size_t i = 0; i < d; i += 32) memset(to + i * 16, 0, 64);
      continue;
    }
    size_t index = (size_t)(first + q), row = index / group;
    tile->position[q % 16] = run->position + (int32_t)row;
    tile->at[q % 16] = (((size_t)run->row + row) * (size_t)job->heads + head * group + index % group) * d;
    tile->largest[q % 16] = -__builtin_inff();
    tile->total[q % 16] = 0;
    tile->count = q % 16 + 1;
    memset(tile->sums + (size_t)(q % 16) * d, 0, d * sizeof(float));
    rotate(job->rope, tile->position[q % 16], l->d, job->query + tile->at[q % 16], rotated);
    for (size_t i = 0; i < d; i += 32)
      put_pairs(
        load(rotated + i) * splat(job->scale), load(rotated + i + 16) * splat(job->scale),
        to + i * 16);
  }
  amx_shapes shapes = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) shapes.rows[tile] = 16, shapes.column_bytes[tile] = 64;
  _tile_loadconfig(&shapes);

  for (int32_t s = run->span; s < run->span + run->spans; s++) {
    const spark_span *span = &job->spans[s];
    // The last query sees most.
    if (span->count <= 0 || tiles[(count - 1) / 16].position[(count - 1) % 16] < span->start + span->first)
      continue;
    const uint8_t *base = span->block + (size_t)job->layer * span->stride;
    size_t columns = ((size_t)span->count + 15) / 16 * 16, groups = (columns + 31) / 32;
    fill_keys(job, base, head * d * length, span->start, columns / 16, keys);
    // Rows of tokens come in pairs, and pairs by sixteen; those behind the last have no weight.
    if (columns % 32)
      memset(values + (groups - 1) * 512 * (d / 16), 0, d / 16 * 1024);
    fill_values(
      l->type, base, (size_t)l->kv_heads * d * length + head * length * stride, stride, columns / 2,
      d / 16, values);

    // Each step for all queries before the next one: what the unit has stored, and what it is to load, is on its
    // way for a while.
    int32_t from = 0, end = (count + 15) / 16;
    for (int32_t t = 0; t < end; t++) {
      query_tile *tile = &tiles[t];
      // Positions grow with the query's index, so the queries that see nothing come first.
      begin[t] = 0;
      while (begin[t] < tile->count && tile->position[begin[t]] < span->start + span->first)
        begin[t]++;
      if (begin[t] == tile->count) from = t + 1;
    }
    for (int32_t t = from; t < end; t++)
      multiply_strips(
        columns / 16, queries + (size_t)t * 16 * d, keys, d / 32, false, scores[t],
        columns * sizeof(float));
    for (int32_t t = from; t < end; t++) {
      query_tile *tile = &tiles[t];
      weigh(tile, begin[t], span, columns, scores[t], weights[t]);
      for (int32_t q = begin[t]; q < tile->count; q++) {
        f32x16 keep = splat(tile->keep[q]);
        for (size_t i = 0; i < d; i += 16) {
          float *sum = tile->sums + (size_t)q * d + i;
          put16(load(sum) * keep, sum);
        }
      }
    }
    for (int32_t t = from; t < end; t++)
      multiply_strips(
        d / 16, weights[t], values, groups, true, tiles[t].sums, d * sizeof(float));
  }
  _tile_release();

  for (int32_t q = 0; q < count; q++) {
    query_tile *tile = &tiles[q / 16];
    const float *sums = tile->sums + (size_t)(q % 16) * d;
    for (size_t i = 0; i < d; i += 16)
      put16(load(sums + i) / splat(tile->total[q % 16]), job->out + tile->at[q % 16] + i);
  }
}
