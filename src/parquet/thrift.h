// Thrift's compact protocol, writing only: the envelope of all that is not data in a Parquet file.
//
// Source: Apache Thrift, "Thrift Compact protocol encoding". The first failure sticks; look at
// status once, at the end.
#ifndef ROADMILL_PARQUET_THRIFT_H
#define ROADMILL_PARQUET_THRIFT_H

#include "roadmill/base.h"

#define RML_THRIFT_DEPTH_MAX 16

enum {
    RML_THRIFT_TRUE = 1,
    RML_THRIFT_FALSE = 2,
    RML_THRIFT_BYTE = 3,
    RML_THRIFT_I16 = 4,
    RML_THRIFT_I32 = 5,
    RML_THRIFT_I64 = 6,
    RML_THRIFT_BINARY = 8,
    RML_THRIFT_LIST = 9,
    RML_THRIFT_STRUCT = 12,
};

typedef struct rml_thrift {
    rml_buffer *out;
    rml_error *err;
    rml_status status;
    uint32_t depth;
    int16_t last[RML_THRIFT_DEPTH_MAX]; // the last field's id in each open struct
} rml_thrift;

// Begins a top-level struct; rml_thrift_end closes it.
void rml_thrift_init(rml_thrift *t, rml_buffer *out, rml_error *err);
// Fields of the open struct, ids ascending.
void rml_thrift_bool(rml_thrift *t, int16_t id, bool value);
void rml_thrift_i8(rml_thrift *t, int16_t id, int8_t value);
void rml_thrift_i16(rml_thrift *t, int16_t id, int16_t value);
void rml_thrift_i32(rml_thrift *t, int16_t id, int32_t value);
void rml_thrift_i64(rml_thrift *t, int16_t id, int64_t value);
void rml_thrift_binary(rml_thrift *t, int16_t id, rml_bytes value);
void rml_thrift_struct(rml_thrift *t, int16_t id); // until end
void rml_thrift_list(rml_thrift *t, int16_t id, int type, size_t count);
void rml_thrift_end(rml_thrift *t);
// Items of the list just begun.
void rml_thrift_item_struct(rml_thrift *t); // until end
void rml_thrift_item_bool(rml_thrift *t, bool value);
void rml_thrift_item_int(rml_thrift *t, int64_t value); // i32 and i64
void rml_thrift_item_binary(rml_thrift *t, rml_bytes value);

#endif
