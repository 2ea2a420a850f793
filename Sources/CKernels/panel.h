// Layout of packed panels: 16 rows of weights side by side, in records that are read in order, so
// that decoding is one sequential stream of 64-byte lines and no lane ever needs its neighbour.
//
// Floats:   [k][16] elements.
// Integers: quants in groups of 32 columns, unsigned but for Q8_0. A group is eight quads of four columns; a quad
//           is 64 bytes, [16 rows][4 columns], so one 32-bit lane holds four neighbouring columns
//           of one row, which is what byte dot-product instructions (VNNI) eat. Four-bit quants
//           keep quad i in the low and quad i + 4 in the high nibbles of 64 bytes.
// Fifth bits are 64-bit masks per quad (bit 4 * row + column). The two upper bits of Q6_K are 64
// bytes for the even and 64 for the odd quads: bits 2j and 2j + 1 belong to quad 2j (+ 1).
//
//   record           length        contents
//   Q8_0, 2 groups   64 + 2*512    f16 d[2][16]; quads
//   Q4_0, 2 groups   64 + 2*256    f16 d[2][16]; nibbles
//   Q5_0, 2 groups   64 + 2*320    f16 d[2][16]; per group masks, nibbles
//   Q4_1, 1 group    64 + 256      f16 d[16], m[16]; nibbles
//   Q5_1, 1 group    64 + 320      f16 d[16], m[16]; masks, nibbles
//   Q4_K, 8 groups   320 + 8*256   f16 d[16], dm[16]; u8 s[8][16], m[8][16]; nibbles
//   Q5_K, 8 groups   320 + 8*320   the same; per group masks, nibbles
//   Q6_K, 8 groups   320 + 8*384   f16 d[16], 32 unused; i8 s[16][16]; per group upper bits, nibbles
#pragma once
#include "spark_kernels.h"

typedef struct {
  size_t groups;       // groups in a record
  size_t head;         // bytes before the first group's quants
  size_t group_bytes;  // bytes of one group's quants, extra bits first
  size_t extra;        // bytes of extra bits in a group
} panel_record;

static inline panel_record record_of(spark_type type) {
  switch (type) {
    case SPARK_Q8_0: return (panel_record){2, 64, 512, 0};
    case SPARK_Q4_0: return (panel_record){2, 64, 256, 0};
    case SPARK_Q5_0: return (panel_record){2, 64, 320, 64};
    case SPARK_Q4_1: return (panel_record){1, 64, 256, 0};
    case SPARK_Q5_1: return (panel_record){1, 64, 320, 64};
    case SPARK_Q4_K: return (panel_record){8, 320, 256, 0};
    case SPARK_Q5_K: return (panel_record){8, 320, 320, 64};
    case SPARK_Q6_K: return (panel_record){8, 320, 384, 128};
    default: return (panel_record){0, 0, 0, 0};
  }
}

static inline size_t record_bytes(panel_record r) { return r.head + r.groups * r.group_bytes; }
