// A ros2msg text, a zero byte, a CDR message: compile and decode. What was decoded is encoded and
// decoded again to the same bytes; what was not leaves the columns empty.
#include <stdlib.h>
#include <string.h>

#include "roadmill/base/json.h"
#include "roadmill/message.h"

static void check_round(const rml_message_plan *plan, const rml_batch *batch)
{
    rml_error err = {0};
    rml_batch again = {0};
    rml_buffer first = {0}, second = {0};
    // A message may hold what CDR cannot: nothing that was decoded is among it but times that do
    // not fit into 32-bit seconds.
    if (rml_message_encode(plan, batch->columns, 0, &first, &err) == RML_OK &&
        rml_batch_init(&again, batch->schema, &err) == RML_OK) {
        if (rml_message_decode(plan, rml_buffer_bytes(&first), (rml_place){0}, again.columns,
                               &err) != RML_OK ||
            rml_message_encode(plan, again.columns, 0, &second, &err) != RML_OK ||
            first.len != second.len || memcmp(first.data, second.data, first.len) != 0) {
            abort();
        }
    }
    rml_batch_reset(&again);
    rml_buffer_reset(&first);
    rml_buffer_reset(&second);
}

static void decode(const rml_message_plan *plan, rml_bytes data)
{
    rml_error err = {0};
    rml_batch batch = {0};
    if (rml_batch_init(&batch, rml_message_schema(plan), &err) == RML_OK) {
        rml_status st = rml_message_decode(plan, data, (rml_place){0}, batch.columns, &err);
        batch.count = st == RML_OK ? 1 : 0;
        if (batch.schema.count > 0 && rml_batch_check(&batch, true, &err) != RML_OK) {
            abort();
        }
        if (st == RML_OK) {
            rml_buffer text = {0};
            rml_json_writer w;
            rml_json_writer_init(&w, &text, &err);
            rml_message_json(batch.schema, batch.columns, 0, &w);
            if (rml_json_finish(&w) == RML_OK) {
                check_round(plan, &batch);
            }
            rml_buffer_reset(&text);
        }
    }
    rml_batch_reset(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size == 0 ? NULL : memchr(data, 0, size);
    size_t len = zero == NULL ? size : (size_t)(zero - data);
    rml_message_plan *plan = NULL;
    rml_error err = {0};
    if (rml_message_compile_ros2(RML_STR("fuzz/msg/T"), (rml_str){(const char *)data, len},
                                 RML_STR("fuzz"), &plan, &err) == RML_OK) {
        if (zero != NULL) {
            decode(plan, rml_bytes_of(zero + 1, size - len - 1));
        }
        rml_message_plan_free(plan);
    }
    return 0;
}
