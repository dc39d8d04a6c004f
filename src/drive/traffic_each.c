// The traffic of many recordings, one after the other, with few of them in memory.
#include "roadmill/drive.h"

#define AT_ONCE 32 // recordings that are loaded by one query

static rml_status visit_some(rml_lake *lake, const rml_str *ids, size_t from, size_t count,
                             rml_traffic_clock clock, rml_traffic_visit *visit, void *context,
                             rml_error *err)
{
    rml_arena arena = {0};
    rml_traffic traffics[AT_ONCE];
    rml_status st = clock == RML_TRAFFIC_AS_STORED
                        ? rml_traffic_load_stored(lake, ids + from, count, &arena, traffics, err)
                        : rml_traffic_load_many(lake, ids + from, count, &arena, traffics, err);
    for (size_t i = 0; st == RML_OK && i < count; i++) {
        st = visit(context, from + i, &traffics[i], err);
    }
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_traffic_each(rml_lake *lake, const rml_str *recording_ids, size_t count,
                            rml_traffic_clock clock, rml_traffic_visit *visit, void *context,
                            const char *doing, const rml_progress *progress, rml_error *err)
{
    for (size_t from = 0; from < count; from += AT_ONCE) {
        size_t some = count - from < AT_ONCE ? count - from : AT_ONCE;
        RML_TRY(rml_progress_check(progress, doing, err));
        RML_TRY(visit_some(lake, recording_ids, from, some, clock, visit, context, err));
        rml_progress_report(progress, doing, (double)(from + some), (double)count, "recordings");
    }
    return RML_OK;
}
