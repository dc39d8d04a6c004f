// Statistics of a column's values: least, greatest, nulls. For Parquet's pages, chunks and indexes
// and for the Delta log.
//
// NaN has no place in an order, and readers disagree about it: values among which there is one have
// no bounds at all, so that nobody skips rows that he wants. Texts are cut to RML_RANGE_TEXT bytes,
// the least down and the greatest up.
#ifndef ROADMILL_PARQUET_RANGE_H
#define ROADMILL_PARQUET_RANGE_H

#include "roadmill/base/column.h"

#define RML_RANGE_TEXT 64

typedef union rml_bound {
    int64_t i;  // BOOL, I8 to I64
    uint64_t u; // U64
    double f;   // F32, F64
} rml_bound;

typedef struct rml_range {
    bool known;     // there is a value, and it is in the bounds
    bool unbounded; // the bounds cannot be given
    uint64_t nulls;
    rml_bound low, high;
    char low_text[RML_RANGE_TEXT], high_text[RML_RANGE_TEXT];
    uint8_t low_size, high_size;
} rml_range;

static inline bool rml_range_has(const rml_range *r)
{
    return r->known && !r->unbounded;
}
// Values first, first + 1 ... of a column, or those at slots.
void rml_range_add(rml_range *r, const rml_column *c, size_t first, const uint64_t *slots,
                   size_t count);
void rml_range_merge(rml_range *r, const rml_range *other, rml_type type);
// A bound as Parquet writes it (PLAIN, without length), into out[RML_RANGE_TEXT].
size_t rml_range_bytes(const rml_range *r, rml_type type, bool high, uint8_t *out);

// u64 as decimal(20,0) in a FIXED_LEN_BYTE_ARRAY: two's complement, big-endian.
#define RML_DECIMAL_SIZE 9
void rml_decimal_save(uint8_t out[RML_DECIMAL_SIZE], uint64_t value);

#endif
