// Schemas and messages of every encoding: one byte picks the encoding, two the length of the
// schema, then schema and message. What was not decoded leaves the columns empty; then again with
// an allocation that fails.
#include <stdlib.h>

#include "allocations.h"
#include "roadmill/base/json.h"
#include "roadmill/message.h"

static const struct {
    const char *message, *schema, *name;
} kinds[] = {
    {"protobuf", "protobuf", "f.T"},
    {"json", "jsonschema", "T"},
    {"json", "", ""},
    {"mdf4", "mdf4", "T"},
    {"ros1", "ros1msg", "f/T"},
    {"cdr", "ros2msg", "f/msg/T"},
    {"can", "", ""},
    {"lin", "", ""},
    {"flatbuffer", "flatbuffer", ""}, // the root table that the schema names
    {"cdr", "ros2idl", "f/msg/T"},
};

static void decode(const rml_message_plan *plan, rml_bytes data)
{
    rml_error err = {0};
    rml_batch batch = {0};
    int64_t sensor_ns;
    (void)rml_message_sensor_ns(plan, data, &sensor_ns);
    if (rml_batch_init(&batch, rml_message_schema(plan), &err) == RML_OK) {
        rml_status st = rml_message_decode(plan, data, (rml_place){0}, batch.columns, &err);
        batch.count = st == RML_OK ? 1 : 0;
        if (batch.schema.count > 0 && rml_batch_check(&batch, true, &err) != RML_OK) {
            abort();
        }
        rml_buffer text = {0};
        rml_json_writer w;
        rml_json_writer_init(&w, &text, &err);
        if (st == RML_OK) {
            rml_message_json(batch.schema, batch.columns, 0, &w);
            st = rml_json_finish(&w);
        }
        rml_buffer_reset(&text);
    }
    rml_batch_reset(&batch);
}

static void once(const rml_message_kind *kind, rml_bytes data)
{
    rml_message_plan *plan = NULL;
    rml_error err = {0};
    if (rml_message_compile(kind, RML_STR("fuzz"), &plan, &err) == RML_OK) {
        decode(plan, data);
        rml_message_plan_free(plan);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) {
        return 0;
    }
    size_t which = data[0] % (sizeof kinds / sizeof *kinds), len = rml_load_u16(data + 1);
    len = len < size - 3 ? len : size - 3;
    const rml_message_kind kind = {rml_str_of(kinds[which].message),
                                   rml_str_of(kinds[which].schema), rml_str_of(kinds[which].name),
                                   rml_bytes_of(data + 3, len)};
    rml_bytes message = rml_bytes_of(data + 3 + len, size - 3 - len);
    uint32_t mixed = fuzz_mix(data, size);
    once(&kind, message);
    rml_heap_fail_after(mixed % 256);
    once(&kind, message);
    rml_heap_fail_after(UINT64_MAX);
    return 0;
}
