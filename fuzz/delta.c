// Fuzzes the replay of a Delta log: lines of JSON that anybody may have written.
#include "roadmill/lake/delta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rml_delta d;
    rml_error err = {0};
    if (rml_delta_replay(&d, (rml_str){(const char *)data, size}, &err) == RML_OK) {
        // What is read is consistent: files in strict order of their paths.
        for (size_t i = 1; i < d.file_count; i++) {
            if (rml_str_compare(d.files[i - 1].path, d.files[i].path) > 0) {
                __builtin_trap();
            }
        }
        rml_delta_close(&d);
    }
    return 0;
}
