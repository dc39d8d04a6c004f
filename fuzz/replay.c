// Runs a fuzz target once over every file of its corpus, for builds without libFuzzer.
#include <stdio.h>

#include "roadmill/os.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    rml_arena arena = {0};
    rml_array paths = RML_ARRAY(rml_str);
    rml_error err = {0};
    for (int i = 1; i < argc; i++) {
        if (rml_folder_walk(argv[i], &arena, &paths, &err) != RML_OK) {
            fprintf(stderr, "%s: %s\n", err.place, err.what);
            return 1;
        }
    }
    for (size_t i = 0; i < paths.count; i++) {
        rml_buffer content = {0};
        if (rml_file_read(RML_AT(&paths, rml_str, i)->data, SIZE_MAX / 2, &content, &err) !=
            RML_OK) {
            fprintf(stderr, "%s: %s\n", err.place, err.what);
            return 1;
        }
        LLVMFuzzerTestOneInput(content.data, content.len);
        rml_buffer_reset(&content);
    }
    printf("%zu inputs\n", paths.count);
    rml_array_reset(&paths);
    rml_arena_reset(&arena);
    return 0;
}
