// A row of a batch, column by column; see row.h.
#include "roadmill/base/row.h"

#include <math.h>

rml_row rml_row_begin(rml_batch *batch, rml_error *err)
{
    return (rml_row){.batch = batch, .err = err};
}

rml_column *rml_row_column(rml_row *r)
{
    return r->status ? NULL : &r->batch->columns[r->column++];
}

void rml_row_null(rml_row *r)
{
    rml_column *c = rml_row_column(r);
    if (c) {
        r->status = rml_column_null(c, r->err);
    }
}

void rml_row_str(rml_row *r, rml_str value)
{
    rml_column *c = rml_row_column(r);
    if (c) {
        r->status = rml_column_str(c, value, r->err);
    }
}

void rml_row_str_or_null(rml_row *r, rml_str value)
{
    if (value.len == 0) {
        rml_row_null(r);
    } else {
        rml_row_str(r, value);
    }
}

void rml_row_f64(rml_row *r, double value)
{
    if (isnan(value)) {
        rml_row_null(r);
        return;
    }
    rml_column *c = rml_row_column(r);
    if (c) {
        r->status = rml_column_f64(c, value, r->err);
    }
}

void rml_row_i64(rml_row *r, int64_t value)
{
    rml_column *c = rml_row_column(r);
    if (c) {
        r->status = rml_column_i64(c, value, r->err);
    }
}

void rml_row_bool(rml_row *r, bool value)
{
    rml_column *c = rml_row_column(r);
    if (c) {
        r->status = rml_column_bool(c, value, r->err);
    }
}

rml_status rml_row_end(rml_row *r)
{
    return r->status ? r->status : rml_batch_row_end(r->batch, r->err);
}
