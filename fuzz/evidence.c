// Evaluations: any bytes give a document or an error; what is accepted is written, and what was
// written is read and written again with the same bytes.
#include <stdlib.h>

#include "roadmill/evidence.h"

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
    const rml_evaluation *e;
    rml_str file = RML_STR("fuzz"), text = {(const char *)data, size};
    if (rml_evidence_read(text, file, &arena, &e, NULL) == RML_OK) {
        check(rml_evidence_write(e, &first, NULL, NULL) == RML_OK);
        check(rml_evidence_read(rml_buffer_text(&first), file, &arena, &e, NULL) == RML_OK);
        check(rml_evidence_write(e, &second, NULL, NULL) == RML_OK);
        check(rml_str_equal(rml_buffer_text(&first), rml_buffer_text(&second)));
    }
    rml_buffer_reset(&first);
    rml_buffer_reset(&second);
    rml_arena_reset(&arena);
    return 0;
}
