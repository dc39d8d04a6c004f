// Writes a row of a batch column by column, in the order of its schema. The first failure sticks
// and is given by rml_row_end.
#ifndef ROADMILL_BASE_ROW_H
#define ROADMILL_BASE_ROW_H

#include "roadmill/base/column.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rml_row {
    rml_batch *batch;
    rml_error *err;
    size_t column;
    rml_status status;
} rml_row;

RML_API rml_row rml_row_begin(rml_batch *batch, rml_error *err);
RML_API void rml_row_str(rml_row *r, rml_str value);
RML_API void rml_row_str_or_null(rml_row *r, rml_str value); // empty is null
RML_API void rml_row_f64(rml_row *r, double value);          // NaN is null
RML_API void rml_row_i64(rml_row *r, int64_t value);
RML_API void rml_row_bool(rml_row *r, bool value);
RML_API void rml_row_null(rml_row *r);
// The next column, for a nested value that the caller appends; NULL after a failure.
RML_API rml_column *rml_row_column(rml_row *r);
RML_API rml_status rml_row_end(rml_row *r) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
