// The rows of `recordings`, `drives` and `rejects` (DESIGN "Tables"): schema and append, in the
// same order of columns. A value is found by its place in the schema, so both stand side by side.
#include "roadmill/lake/recordings.h"

// A cell to append: exactly one of the kinds that these tables use.
typedef struct cell {
    enum { CELL_TEXT, CELL_NUMBER, CELL_NULL } kind;
    rml_str text;
    int64_t number;
} cell;

static cell text_cell(rml_str text)
{
    return (cell){.kind = text.len ? CELL_TEXT : CELL_NULL, .text = text};
}

static cell number_cell(int64_t number)
{
    return (cell){.kind = CELL_NUMBER, .number = number};
}

static cell time_cell(bool known, int64_t t_ns)
{
    return (cell){.kind = known ? CELL_NUMBER : CELL_NULL, .number = t_ns};
}

// Appends one row; cells[i] goes to column i.
static rml_status append_cells(rml_batch *batch, const cell *cells, size_t count, rml_error *err)
{
    if (batch->schema.count != count) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a batch of %zu columns, found %zu", count, batch->schema.count);
    }
    for (size_t i = 0; i < count; i++) {
        rml_column *c = &batch->columns[i];
        switch (cells[i].kind) {
        case CELL_TEXT:
            RML_TRY(rml_column_str(c, cells[i].text, err));
            break;
        case CELL_NUMBER:
            RML_TRY(rml_column_i64(c, cells[i].number, err));
            break;
        case CELL_NULL:
            RML_TRY(rml_column_null(c, err));
            break;
        }
    }
    return rml_batch_row_end(batch, err);
}

#define TEXT(n)                                                                                    \
    {                                                                                              \
        .name = {n, sizeof(n) - 1}, .type = RML_TYPE_STRING, .nullable = true                      \
    }
#define NUMBER(n)                                                                                  \
    {                                                                                              \
        .name = {n, sizeof(n) - 1}, .type = RML_TYPE_I64, .nullable = true                         \
    }
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const rml_field recordings_fields[] = {
    TEXT("recording_id"), TEXT("drive_id"),   TEXT("uri"),          TEXT("format"),
    TEXT("logger"),       NUMBER("start_ns"), NUMBER("end_ns"),     NUMBER("bytes"),
    NUMBER("bytes_lost"), NUMBER("messages"), NUMBER("rows"),       NUMBER("blobs"),
    NUMBER("rejects"),    TEXT("ledger"),     TEXT("completeness"), TEXT("part"),
    TEXT("derived_from"), TEXT("licence"),    TEXT("purpose"),      TEXT("region"),
    TEXT("consent"),      TEXT("retention"),  TEXT("anonymised"),
};

rml_schema rml_recordings_schema(void)
{
    return (rml_schema){recordings_fields, COUNT(recordings_fields)};
}

rml_status rml_recordings_append(rml_batch *batch, const rml_recording_row *row, rml_error *err)
{
    const cell cells[] = {
        text_cell(row->recording_id),
        text_cell(row->drive_id),
        text_cell(row->uri),
        text_cell(row->format),
        text_cell(row->logger),
        time_cell(row->has_span, row->start_ns),
        time_cell(row->has_span, row->end_ns),
        number_cell((int64_t)row->bytes),
        number_cell((int64_t)row->bytes_lost),
        number_cell((int64_t)row->messages),
        number_cell((int64_t)row->rows),
        number_cell((int64_t)row->blobs),
        number_cell((int64_t)row->rejects),
        text_cell(row->ledger),
        text_cell(row->completeness),
        text_cell(row->part),
        text_cell(row->derived_from),
        text_cell(row->licence),
        text_cell(row->purpose),
        text_cell(row->region),
        text_cell(row->consent),
        text_cell(row->retention),
        text_cell(row->anonymised),
    };
    return append_cells(batch, cells, COUNT(cells), err);
}

static const rml_field drives_fields[] = {
    TEXT("drive_id"), TEXT("recording_id"), TEXT("vehicle"),  TEXT("vehicle_config"),
    TEXT("place_id"), NUMBER("start_ns"),   NUMBER("end_ns"), TEXT("findings"),
};

rml_schema rml_drives_schema(void)
{
    return (rml_schema){drives_fields, COUNT(drives_fields)};
}

rml_status rml_drives_append(rml_batch *batch, const rml_drive_row *row, rml_error *err)
{
    const cell cells[] = {
        text_cell(row->drive_id),
        text_cell(row->recording_id),
        text_cell(row->vehicle),
        text_cell(row->vehicle_config),
        text_cell(row->place_id),
        time_cell(row->has_span, row->start_ns),
        time_cell(row->has_span, row->end_ns),
        text_cell(row->findings),
    };
    return append_cells(batch, cells, COUNT(cells), err);
}

static const rml_field rejects_fields[] = {
    TEXT("recording_id"), TEXT("stage"),    TEXT("channel"),
    NUMBER("offset"),     NUMBER("length"), TEXT("reason"),
};

rml_schema rml_rejects_schema(void)
{
    return (rml_schema){rejects_fields, COUNT(rejects_fields)};
}

rml_status rml_rejects_append(rml_batch *batch, const rml_reject_row *row, rml_error *err)
{
    const cell cells[] = {
        text_cell(row->recording_id),      text_cell(row->stage),
        text_cell(row->channel),           number_cell((int64_t)row->offset),
        number_cell((int64_t)row->length), text_cell(row->reason),
    };
    return append_cells(batch, cells, COUNT(cells), err);
}
