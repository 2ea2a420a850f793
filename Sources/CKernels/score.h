// Scores of indexed blocks, written once over 16-lane vectors; a lane is a block. Included after
// simd.h. Results equal the scalar variant's bit for bit.

// Adds `rows` (1...8) rows' scores against one key-value head of 16 blocks to `total`.
INLINE f32x16 score_rows(
  const spark_index_layout *l, const uint16_t *panel, size_t kv_head, const float *const *rows,
  size_t count, f32x16 total
) {
  size_t d = (size_t)l->d, vector = (size_t)l->kv_heads * d * SPARK_INDEX_LANES;
  const uint16_t *channels = panel + kv_head * d * SPARK_INDEX_LANES;
  f32x16 best[8];
  for (size_t r = 0; r < count; r++) best[r] = splat(-__builtin_inff());
  for (size_t v = 0; v < (l->bounds ? 1 : (size_t)l->vectors); v++) {
    f32x16 sum[8] = {0};
    for (size_t i = 0; i < d; i++) {
      f32x16 first = load_halves(channels + v * vector + i * SPARK_INDEX_LANES);
      f32x16 other = l->bounds ? load_halves(channels + vector + i * SPARK_INDEX_LANES) : first;
      for (size_t r = 0; r < count; r++) {
        float x = rows[r][i];
        sum[r] = fma16(splat(x), x < 0 ? first : other, sum[r]);
      }
    }
    for (size_t r = 0; r < count; r++) best[r] = __builtin_elementwise_max(best[r], sum[r]);
  }
  for (size_t r = 0; r < count; r++) total += best[r];
  return total;
}

static void score_panel(
  const spark_index_layout *l, const uint16_t *panel, const float *query, size_t queries,
  float *scores
) {
  size_t d = (size_t)l->d, heads = (size_t)l->heads, group = heads / (size_t)l->kv_heads;
  f32x16 total = {0};
  for (size_t kv_head = 0; kv_head < (size_t)l->kv_heads; kv_head++) {
    const float *rows[8];
    size_t count = 0;
    for (size_t q = 0; q < queries; q++)
      for (size_t g = 0; g < group; g++) {
        rows[count++] = query + (q * heads + kv_head * group + g) * d;
        bool isLast = q + 1 == queries && g + 1 == group;
        if (count < 8 && !isLast) continue;
        total = count == 8 ? score_rows(l, panel, kv_head, rows, 8, total)
                           : score_rows(l, panel, kv_head, rows, count, total);
        count = 0;
      }
  }
  put16(total, scores);
}
