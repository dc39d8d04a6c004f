// Fuzzes the CommonRoad reader, and with it the XML walk below it.
#include "roadmill/scenario.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rml_arena arena = {.limit = (size_t)256 << 20};
    rml_traffic traffic;
    rml_error err = {0};
    rml_status st =
        rml_commonroad_read(rml_bytes_of(data, size), RML_STR("fuzz.xml"), &arena, &traffic, &err);
    if (st == RML_OK) {
        uint64_t rows = 0;
        for (size_t i = 0; i < traffic.track_count; i++) {
            rows += traffic.tracks[i].count;
        }
        if (rows + traffic.reject_count != traffic.states_in) {
            abort(); // conservation
        }
    }
    rml_arena_reset(&arena);
    return 0;
}
