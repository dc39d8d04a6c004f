// The query language: any text compiles or gives an error with its place; what compiles runs over a
// small traffic, explains itself, and has a hash.
#include "roadmill/query.h"

#include <math.h>
#include <stdlib.h>

static const rml_point2 left_bound[] = {{0, 4}, {50, 4}}, right_bound[] = {{0, 0}, {50, 0}};
static const rml_map_element lanes[] = {
    {.id = {"L", 1},
     .kind = RML_MAP_LANE,
     .left = {left_bound, 2, NULL},
     .right = {right_bound, 2, NULL},
     .speed_limit_mps = NAN},
};

static void run(const rml_query *q)
{
    rml_track_state states[3][6];
    rml_track tracks[3];
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 6; k++) {
            states[i][k] = (rml_track_state){
                .t_ns = (k + (k > 3)) * 100000000LL, .x_m = 8.0 * i + k, .y_m = 2 + 0.3 * i * k};
        }
        tracks[i] = (rml_track){.track_id = {&"abc"[i], 1},
                                .agent_class = (rml_agent_class)(i + 1),
                                .length_m = 4,
                                .width_m = i == 2 ? NAN : 2,
                                .states = states[i],
                                .count = 6};
    }
    const rml_traffic traffic = {
        .step_ns = 100000000, .tracks = tracks, .track_count = 3, .map = lanes, .map_count = 1};
    rml_array matches = RML_ARRAY(rml_match);
    rml_buffer text = {0};
    rml_query_count count = {0};
    rml_hash hash;
    if (rml_query_run(q, &traffic, &matches, &count, NULL) == RML_OK &&
        count.matches + count.unknown > count.evaluated) {
        abort();
    }
    rml_query_hash(q, &hash);
    if (rml_query_explain(q, &text, NULL) != RML_OK) {
        abort();
    }
    rml_buffer_reset(&text);
    rml_array_reset(&matches);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rml_query *q = NULL;
    rml_error err = {0};
    if (rml_query_compile((rml_str){(const char *)data, size}, RML_STR("query"), &q, &err) ==
        RML_OK) {
        run(q);
    } else if (err.what[0] == '\0' || q != NULL) {
        abort();
    }
    rml_query_free(q);
    return 0;
}
