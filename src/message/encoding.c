// Plans of every encoding: the row of the table that fits a channel, and what is common to all.
#include "encoding.h"

#include "plan.h"

static const rml_encoding *const encodings[] = {
    &rml_encoding_cdr,        &rml_encoding_ros1,       &rml_encoding_mdf4,
    &rml_encoding_can,        &rml_encoding_lin,        &rml_encoding_protobuf,
    &rml_encoding_json,       &rml_encoding_json_alone, &rml_encoding_cdr_common,
    &rml_encoding_flatbuffer, &rml_encoding_cdr_idl};
#define ENCODING_COUNT (sizeof(encodings) / sizeof(encodings[0]))

static rml_status find(const rml_message_kind *kind, rml_str file, const rml_encoding **out,
                       rml_error *err)
{
    bool known = false;
    for (size_t i = 0; i < ENCODING_COUNT; i++) {
        if (!rml_str_equal(kind->message_encoding, rml_str_of(encodings[i]->message_encoding))) {
            continue;
        }
        known = true;
        if (rml_str_equal(kind->schema_encoding, rml_str_of(encodings[i]->schema_encoding))) {
            *out = encodings[i];
            return RML_OK;
        }
    }
    return known ? rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(file), NULL,
                            "expected a schema that describes messages in \"%.*s\", found one in "
                            "\"%.*s\"",
                            RML_FMT(kind->message_encoding), RML_FMT(kind->schema_encoding))
                 : rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(file), NULL,
                            "expected messages in an encoding that is read (cdr, ros1, protobuf, "
                            "flatbuffer, json), found "
                            "\"%.*s\"",
                            RML_FMT(kind->message_encoding));
}

rml_status rml_message_compile(const rml_message_kind *kind, rml_str file, rml_message_plan **out,
                               rml_error *err)
{
    const rml_encoding *encoding = NULL;
    RML_TRY(find(kind, file, &encoding, err));
    rml_message_plan *plan = rml_heap_make(sizeof(*plan));
    if (plan == NULL) {
        return rml_fail_memory(err, sizeof(*plan));
    }
    plan->encoding = encoding;
    plan->ops = RML_ARRAY(rml_op);
    plan->nodes = RML_ARRAY(rml_node);
    plan->leaves = RML_ARRAY(uint32_t);
    plan->blocks = RML_ARRAY(rml_block);
    plan->moves = RML_ARRAY(rml_move);
    rml_status st = encoding->compile(kind, file, plan, err);
    if (st) {
        rml_message_plan_free(plan);
        return st;
    }
    *out = plan;
    return RML_OK;
}

rml_status rml_message_compile_ros2(rml_str name, rml_str text, rml_str file,
                                    rml_message_plan **out, rml_error *err)
{
    const rml_message_kind kind = {RML_STR("cdr"), RML_STR("ros2msg"), name,
                                   rml_bytes_of_str(text)};
    return rml_message_compile(&kind, file, out, err);
}

void rml_message_plan_free(rml_message_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    if (plan->encoding->reset != NULL) {
        plan->encoding->reset(plan);
    }
    rml_array_reset(&plan->ops);
    rml_array_reset(&plan->nodes);
    rml_array_reset(&plan->leaves);
    rml_array_reset(&plan->blocks);
    rml_array_reset(&plan->moves);
    rml_arena_reset(&plan->arena);
    rml_heap_free(plan);
}

rml_schema rml_message_schema(const rml_message_plan *plan)
{
    return plan->schema;
}

struct rml_message_decoder {
    const rml_message_plan *plan;
    rml_column *columns;
    rml_column **slots;
};

rml_status rml_message_decoder_make(const rml_message_plan *plan, rml_column *columns,
                                    rml_message_decoder **out, rml_error *err)
{
    rml_message_decoder *d = rml_heap_make(sizeof(*d));
    rml_column **slots = rml_heap_make((plan->nodes.count + 1) * sizeof(*slots));
    if (d == NULL || slots == NULL) {
        rml_heap_free(d);
        rml_heap_free(slots);
        return rml_fail_memory(err, plan->nodes.count * sizeof(*slots));
    }
    rml_plan_bind(plan, columns, slots);
    *d = (rml_message_decoder){plan, columns, slots};
    *out = d;
    return RML_OK;
}

rml_status rml_message_decoder_next(rml_message_decoder *d, rml_bytes data, rml_place place,
                                    rml_error *err)
{
    const rml_message_plan *plan = d->plan;
    if (plan->encoding->decode_bound == NULL) {
        return rml_message_decode(plan, data, place, d->columns, err);
    }
    size_t rows = plan->schema.count == 0 ? 0 : d->columns[0].count;
    rml_status st = plan->encoding->decode_bound(plan, data, place, d->columns, d->slots, err);
    for (size_t i = 0; st && i < plan->schema.count; i++) {
        rml_column_cut(&d->columns[i], rows);
    }
    return st;
}

void rml_message_decoder_free(rml_message_decoder *d)
{
    if (d != NULL) {
        rml_heap_free(d->slots);
        rml_heap_free(d);
    }
}

rml_status rml_message_decode(const rml_message_plan *plan, rml_bytes data, rml_place place,
                              rml_column *columns, rml_error *err)
{
    size_t rows = plan->schema.count == 0 ? 0 : columns[0].count;
    rml_status st = plan->encoding->decode(plan, data, place, columns, err);
    for (size_t i = 0; st && i < plan->schema.count; i++) {
        rml_column_cut(&columns[i], rows);
    }
    return st;
}

bool rml_message_sensor_ns(const rml_message_plan *plan, rml_bytes data, int64_t *out)
{
    return plan->encoding->sensor_ns != NULL && plan->encoding->sensor_ns(plan, data, out);
}

rml_status rml_message_encode(const rml_message_plan *plan, const rml_column *columns, size_t row,
                              rml_buffer *out, rml_error *err)
{
    if (plan->encoding->encode == NULL) {
        return rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0}, NULL,
                        "expected an encoding that is written (cdr, ros1), found %s",
                        plan->encoding->message_encoding);
    }
    size_t before = out->len;
    rml_status st = plan->encoding->encode(plan, columns, row, out, err);
    if (st) {
        out->len = before;
    }
    return st;
}
