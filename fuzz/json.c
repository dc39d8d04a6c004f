// JSON: any bytes give a value or an error; what is accepted survives writing and reading, and its
// canonical form is its own canonical form.
#include <stdlib.h>

#include "roadmill/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rml_arena arena = {0};
    rml_buffer first = {0}, second = {0};
    const rml_json *value;
    rml_str text = {(const char *)data, size};
    if (rml_json_parse(&arena, text, RML_STR("fuzz"), &value, NULL) == RML_OK &&
        rml_json_canonical(value, &first, NULL) == RML_OK) {
        check(rml_json_parse(&arena, rml_buffer_text(&first), RML_STR("form"), &value, NULL) ==
              RML_OK);
        check(rml_json_canonical(value, &second, NULL) == RML_OK);
        check(rml_str_equal(rml_buffer_text(&first), rml_buffer_text(&second)));
        rml_json_writer w;
        rml_buffer_clear(&second);
        rml_json_writer_init(&w, &second, NULL);
        rml_json_value(&w, value);
        check(rml_json_finish(&w) == RML_OK);
    }
    // Failing memory, at a point that the input chooses.
    rml_arena_reset(&arena);
    rml_heap_fail_after(size > 0 ? data[0] % 16 : 0);
    rml_status st = rml_json_parse(&arena, text, RML_STR("fuzz"), &value, NULL);
    rml_heap_fail_after(UINT64_MAX);
    (void)st;
    rml_buffer_reset(&first);
    rml_buffer_reset(&second);
    rml_arena_reset(&arena);
    return 0;
}
